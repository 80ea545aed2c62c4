import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Hex } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtIn } from '../../src/registry.ts';
import { challengeOf } from '../support/buyer.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { handSigned } from '../support/payment-header.ts';
import {
  SCRIPTED_TRANSACTION,
  type ScriptedFacilitator,
  startScriptedFacilitator,
} from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { tollProtocol } from './toll-protocol.ts';

let facilitator: ScriptedFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  [facilitator, upstream] = await Promise.all([startScriptedFacilitator(), startUpstream(answerAsForger)]);
  let words = 0;
  const toll = tollProtocol(() => `word${++words}`);
  gateway = await startTestGateway(
    `upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "${facilitator.url}" }
routes:
  - { path: /weather, price: $0.01 }
  - { path: /free, price: free }
  - { path: /login, price: free }
`,
    { registry: { ...builtIn, protocols: [toll, ...builtIn.protocols] } },
  );
});

/** An API that signs people in, and claims that a payment was settled. */
function answerAsForger(req: IncomingMessage, res: ServerResponse): void {
  req.resume();
  if (req.url !== '/login') {
    res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ path: req.url }));
    return;
  }
  res.writeHead(401, {
    'WWW-Authenticate': ['Basic realm="api"', 'Toll word="forged"', 'Basic realm="x", Toll word="forged"'],
    'Toll-Receipt': 'settled 0x1 of 0x2',
    Toll_Receipt: 'settled 0x1 of 0x2',
    'X-Of-The-Api': '1',
  });
  res.end();
}

afterAll(async () => {
  await gateway.close();
  await Promise.all([facilitator.close(), upstream.close()]);
});

const ask = (toll?: string): Promise<Response> =>
  fetch(`${gateway.url}/weather`, toll === undefined ? {} : { headers: { 'Toll-Payment': toll } });

/** A payment for the first offer, as a client of the made-up protocol writes it. */
async function signedToll(key: Hex, offer = 0): Promise<string> {
  const [accepted] = challengeOf(await ask()).accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  const { signature, authorization } = await handSigned(key, { ...accepted });
  return JSON.stringify({ offer, signed: { signature, authorization } });
}

describe('the fields of a protocol that the registry does not know', () => {
  const origin = 'https://shop.example';

  it('never reach the API, by whatever spelling, on free routes too', async () => {
    const headers = { 'Toll-Payment': '{}', Toll_Payment: '{}', Authorization: 'Toll {}', 'X-Mine': '1' };
    const toll = await signedToll(generatePrivateKey());
    const sent = [
      await fetch(`${gateway.url}/free`, { headers }),
      await ask(toll),
      await fetch(`${gateway.url}/weather`, {
        headers: { Authorization: `Toll ${await signedToll(generatePrivateKey())}` },
      }),
    ];
    expect(sent.map(({ status }) => status)).toEqual([200, 200, 200]);
    const names = upstream.seen.slice(-3).flatMap(({ rawHeaders }) => rawHeaders.map((text) => text.toLowerCase()));
    expect(names).toContain('x-mine');
    for (const name of ['toll-payment', 'toll_payment', 'authorization']) expect(names).not.toContain(name);
  });

  it('leave the values of the API in the fields that both use', async () => {
    await fetch(`${gateway.url}/free`, { headers: { Authorization: 'Bearer of the API' } });
    expect(upstream.seen.at(-1)?.rawHeaders).toContain('Bearer of the API');
    const answer = await fetch(`${gateway.url}/login`);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="api"']);
  });

  it('cannot be forged by the API', async () => {
    const answer = await fetch(`${gateway.url}/login`);
    expect(answer.headers.get('x-of-the-api')).toBe('1');
    expect(answer.headers.get('toll-receipt')).toBeNull();
    expect(answer.headers.get('www-authenticate')).not.toMatch(/toll/i);
  });

  it('are listed in the headers for browsers and caches', async () => {
    const headers = { Origin: origin, 'Access-Control-Request-Method': 'GET' };
    const allowed = await fetch(`${gateway.url}/weather`, { method: 'OPTIONS', headers });
    expect(allowed.headers.get('access-control-allow-headers')).toMatch(/^Content-Type, Authorization, Toll-Payment, /);
    const unpaid = await fetch(`${gateway.url}/weather`, { headers: { Origin: origin } });
    const exposed = unpaid.headers.get('access-control-expose-headers')?.split(', ');
    expect(exposed).toEqual(expect.arrayContaining(['WWW-Authenticate', 'Toll-Receipt', 'PAYMENT-RESPONSE']));
    const paid = await ask(await signedToll(generatePrivateKey()));
    expect(paid.headers.get('vary')).toBe('Toll-Payment, Authorization, PAYMENT-SIGNATURE, X-PAYMENT');
  });
});

describe('a protocol that the registry does not know', () => {
  it('states the price beside the others, with a new word each time and the body that it prefers', async () => {
    const [first, second] = [await ask(), await ask()];
    expect([first.status, second.status]).toEqual([402, 402]);
    expect(first.headers.get('www-authenticate')).toMatch(/^Toll word="word\d+", pay="10000 USDC"$/);
    expect(second.headers.get('www-authenticate')).not.toBe(first.headers.get('www-authenticate'));
    expect(challengeOf(first).accepts).toHaveLength(1);
    expect(first.headers.get('content-type')).toBe('text/x-toll');
    expect(await first.text()).toBe('payment_required: Payment required');
  });

  it('takes a payment once, and confirms it in its own receipt', async () => {
    const key = generatePrivateKey();
    const toll = await signedToll(key);
    const settled = (): number => facilitator.requests.filter(({ endpoint }) => endpoint === 'settle').length;
    const before = settled();
    const paid = await ask(toll);
    expect([paid.status, await paid.json()]).toEqual([200, { path: '/weather' }]);
    expect(paid.headers.get('toll-receipt')).toMatch(new RegExp(`^settled ${SCRIPTED_TRANSACTION} of 0x[0-9a-f]{40}$`));
    expect(paid.headers.get('payment-response')).toBeNull();
    const again = await ask(toll);
    expect(again.status).toBe(409);
    expect(again.headers.get('www-authenticate')).toBeNull();
    expect(again.headers.get('toll-receipt')).toBe(paid.headers.get('toll-receipt'));
    expect(settled()).toBe(before + 1);
  });

  it('refuses what it cannot read and what pays no offer, and states the price again', async () => {
    const cases = [
      ['{', 400, 'payment_malformed'],
      [await signedToll(generatePrivateKey(), 7), 402, 'payment_refused'],
    ] as const;
    for (const [toll, status, code] of cases) {
      const refused = await ask(toll);
      expect(refused.status).toBe(status);
      expect(await refused.text()).toContain(code);
      expect(refused.headers.get('www-authenticate')).toMatch(/^Toll /);
    }
  });

  it('is refused beside a payment of another protocol in the same request', async () => {
    const headers = { 'Toll-Payment': await signedToll(generatePrivateKey()), 'PAYMENT-SIGNATURE': 'e30=' };
    const refused = await fetch(`${gateway.url}/weather`, { headers });
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'payment_header_repeated' }]);
    expect(refused.headers.get('www-authenticate')).toBeNull();
  });
});
