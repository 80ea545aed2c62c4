import { generatePrivateKey } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { signMppFor } from '../support/mpp.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** `Idempotency-Key` names a purchase of MPP, where the route takes the buyer's own ids. */

const KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"';
const buyer = generatePrivateKey();

let facilitator: ScriptedFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  facilitator = await startScriptedFacilitator();
  upstream = await startUpstream((req, res) => {
    req.resume();
    req.on('end', () => res.end('ordered'));
  });
  gateway = await startTestGateway(`upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "${facilitator.url}" }
protocols: [x402, mpp]
routes:
  - { path: /orders, methods: [POST], price: $0.01, paymentIdentifier: optional, keepAnswers: { size: 64KB } }
  - { path: /must-be-named, methods: [POST], price: $0.01, paymentIdentifier: required }
  - { path: /unnamed, methods: [POST], price: $0.01 }
`);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([facilitator.close(), upstream.close()]);
});

const settled = (): number => facilitator.requests.filter(({ endpoint }) => endpoint === 'settle').length;

/** Orders with a credential of its own. */
async function order(path: string, key?: string, signer = buyer, body = 'one'): Promise<Response> {
  const authorization = await signMppFor(signer, gateway.url + path, { method: 'POST', body });
  const headers = { authorization, ...(key === undefined ? {} : { 'idempotency-key': key }) };
  return await fetch(gateway.url + path, { method: 'POST', headers, body });
}

describe('a purchase with an Idempotency-Key', () => {
  it('is charged and carried out once, however often it is paid for, in quotes or without', async () => {
    const [before, seen] = [settled(), upstream.seen.length];
    const answers = [
      await order('/orders', KEY),
      await order('/orders', KEY),
      await order('/orders', KEY.slice(1, -1)),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(['ordered', 'ordered', 'ordered']);
    const receipts = answers.map(({ headers }) => headers.get('payment-receipt'));
    expect(new Set(receipts).size).toBe(1);
    expect(receipts[0]).toEqual(expect.any(String));
    expect([settled() - before, upstream.seen.length - seen]).toEqual([1, 1]);
    expect(upstream.seen.at(-1)?.rawHeaders).toContain(KEY);
  });

  it('belongs to one request and one buyer, and a conflict gets no new price', async () => {
    const other = await order('/orders', KEY, buyer, 'two');
    expect(other.status).toBe(409);
    expect(other.headers.get('www-authenticate')).toBeNull();
    expect(other.headers.get('payment-required')).toBeNull();
    expect((await order('/orders', KEY, generatePrivateKey())).status).toBe(200);
  });

  it('is a new purchase with another key or without one', async () => {
    const before = settled();
    expect((await order('/orders', 'another-key')).status).toBe(200);
    expect((await order('/orders')).status).toBe(200);
    expect(settled() - before).toBe(2);
  });

  it.each([
    ['is missing where one is required', undefined, 'payment_identifier_required'],
    ['is too long', 'x'.repeat(256), 'payment_malformed'],
    ['is empty', '""', 'payment_malformed'],
  ])('is refused when the key %s, and the field is named', async (_how, key, code) => {
    const refused = await order('/must-be-named', key);
    const problem = (await refused.json()) as { code: string; detail: string };
    expect([refused.status, problem.code]).toEqual([400, code]);
    expect(problem.detail).toContain('Idempotency-Key');
  });

  it('is not named by the key when the route takes no ids, and the key reaches the API', async () => {
    const before = settled();
    expect((await order('/unnamed', KEY)).status).toBe(200);
    expect((await order('/unnamed', KEY)).status).toBe(200);
    expect(settled() - before).toBe(2);
    expect(upstream.seen.at(-1)?.rawHeaders).toContain(KEY);
  });
});
