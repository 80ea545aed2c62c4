import { once } from 'node:events';
import { request, type ServerResponse } from 'node:http';
import { x402Client, x402HTTPClient } from '@x402/core/client';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { createSIWxClientExtension } from '@x402/extensions/sign-in-with-x';
import { wrapFetchWithPayment } from '@x402/fetch';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { buyPass, callWith } from '../support/access.ts';
import { challengeOf, settlementOf, signFor, stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { DIALECT_SAMPLES, sse } from '../support/metering/answers.ts';
import { type MeteredApi, startMeteredApi } from '../support/metering/metered-api.ts';
import { oracleCharge } from '../support/metering/oracle.ts';
import { HOOK_SECRET, startReceiver } from '../support/receiver.ts';
import { settings } from '../support/settings.ts';

const RATES = { input: ['2.5', '1000000'], output: ['10', '1000000'] } as const;
const PRICE = '{ upTo: $0.10, meter: openai, rates: { input: $2.50/1M, output: $10/1M }, min: $0.0005 }';
const BALANCE = 250_000n;
const MOST = 100_000n;

let devnet: Devnet;
let api: MeteredApi;
let gateway: TestGateway;
let store: PaymentStore;
let buyer: Payer;

beforeAll(async () => {
  [devnet, api] = await Promise.all([startDevnet(), startMeteredApi()]);
  store = openMemoryLedger();
  gateway = await startTestGateway(
    `${settings(devnet, api.url)}
routes:
  - { path: /v1/chat/completions, methods: [POST], price: ${PRICE}, access: { balance: $0.25 } }
  - { path: /v1/models/:id, price: ${PRICE}, access: { balance: $0.25 } }
  - path: /group/a
    price: ${PRICE}
    access: { balance: $0.25, scope: both }
  - path: /group/b
    price: { upTo: $0.20, meter: { header: X-Cost }, rates: { unit: $0.01 } }
    access: { balance: $0.25, scope: both }
  - { path: /plain, price: $0.001 }
  - { path: /requests, price: $0.001, access: { requests: 5 } }
`,
    { store },
  );
});

beforeEach(async () => {
  buyer = await freshPayer(devnet);
  answerTokens(1000, 200);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), api.close()]);
});

const url = (): string => `${gateway.url}/v1/chat/completions`;
const POST = { method: 'POST', body: '{"model":"m"}' };

/** The next answers tell so many tokens. */
function answerTokens(input: number, output: number): void {
  const usage = { prompt_tokens: input, completion_tokens: output };
  const body = JSON.stringify({ object: 'chat.completion', model: 'm', choices: [], usage });
  api.answer = (response) => void response.writeHead(200, { 'Content-Type': 'application/json' }).end(body);
}

function chargeOf(input: number, output: number): bigint {
  const figures = { input: String(input), output: String(output) };
  return oracleCharge(figures, RATES, { min: 500n, max: MOST, decimals: 6 });
}

/** What an answer says is left, and what it cost. */
function told(response: Response): readonly [left: bigint, charge: bigint] {
  const [left, charge] = ['x402-access-balance', 'x402-access-charge'].map((name) => response.headers.get(name));
  return [BigInt(left ?? -1), BigInt(charge ?? -1)];
}

async function booksOf(token: string): Promise<{ readonly available: number; readonly lent: number }> {
  const { passes } = await store.passes.listPasses(undefined, 1000, { payer: buyer.address });
  const [only, ...others] = passes;
  if (only?.quota === undefined || others.length > 0) throw new Error(`one balance was expected behind ${token}`);
  return only.quota;
}

describe('A balance', () => {
  it('is bought by one exact payment, whose request is its first call', async () => {
    const response = await stockFetch(buyer.key)(url(), POST);
    expect([response.status, await response.json()]).toMatchObject([200, { object: 'chat.completion' }]);
    const charge = chargeOf(1000, 200);
    expect(told(response)).toEqual([BALANCE - charge, charge]);
    const { extensions, ...settled } = settlementOf(response);
    expect(settled).toMatchObject({ success: true });
    expect(extensions?.['access-pass']).toMatchObject({
      info: { balance: { available: String(BALANCE), network: devnet.network }, token: expect.stringMatching(/^tpk_/) },
    });
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(1_000_000n - BALANCE);
  });

  it('is offered as an exact payment of what it holds, with what a call may cost', async () => {
    const response = await fetch(url(), POST);
    expect(response.status).toBe(402);
    const { accepts, extensions } = challengeOf(response);
    expect(accepts).toMatchObject([{ scheme: 'exact', amount: String(BALANCE), extra: { paymentFlow: 'upfront' } }]);
    expect(extensions?.['access-pass']).toMatchObject({ info: { balance: { upTo: String(MOST) } } });
  });

  it('is drawn down to the unit by what each call used, and says what is left', async () => {
    const { token, response } = await buyPass(devnet, buyer, url(), POST);
    let [left] = told(response);
    for (const [input, output] of [
      [1, 0],
      [333, 77],
      [7_001, 1_999],
    ] as const) {
      answerTokens(input, output);
      const call = await callWith(token, url(), POST);
      const charge = chargeOf(input, output);
      left -= charge;
      expect([call.status, ...told(call)]).toEqual([200, left, charge]);
      await call.text();
    }
    expect(await booksOf(token)).toMatchObject({ available: Number(left), lent: 0 });
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(1_000_000n - BALANCE);
  });

  it('pays streams: the head states the least that is left, a comment before the last event the charge and the rest', async () => {
    const { token, response } = await buyPass(devnet, buyer, url(), POST);
    const [before] = told(response);
    const sample = DIALECT_SAMPLES.find(({ name }) => name === 'a chat completion as a stream');
    if (sample === undefined) throw new Error('there is no such sample');
    const body = String(sample.answer.body);
    api.answer = (to) => void to.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(body);
    const asking = '{"model":"m","stream":true,"stream_options":{"include_usage":true}}';
    const call = await callWith(token, url(), { method: 'POST', body: asking });
    expect(told(call)).toEqual([before - MOST, -1n]);
    const text = await call.text();
    const comment = /: x402 (\S+)\n\n/.exec(text);
    expect(text.replace(comment?.[0] ?? '', '')).toBe(body);
    const charge = oracleCharge(sample.figures, RATES, { min: 500n, max: MOST, decimals: 6 });
    expect(JSON.parse(Buffer.from(comment?.[1] ?? '', 'base64').toString())).toMatchObject({
      success: true,
      amount: String(charge),
      extensions: { 'access-pass': { info: { balance: { available: String(before - charge) } } } },
    });
    expect(await booksOf(token)).toMatchObject({ available: Number(before - charge), lent: 0 });
  });

  it('that has less than a call may cost asks for more, which is added to it', async () => {
    answerTokens(40_000, 0);
    const { token } = await buyPass(devnet, buyer, url(), POST);
    expect(told(await callWith(token, url(), POST))).toEqual([50_000n, 100_000n]);
    const low = await callWith(token, url(), POST);
    expect(low.status).toBe(402);
    expect(challengeOf(low).error).toBe('access_balance_too_low');
    expect(challengeOf(low).accepts).toHaveLength(1);
    expect(low.headers.get('x402-access-balance')).toBe('50000');
    const more = await buyPass(devnet, buyer, url(), POST);
    expect(told(more.response)).toEqual([200_000n, 100_000n]);
    expect(told(await callWith(token, url(), POST))).toEqual([100_000n, 100_000n]);
  });

  it('whose rest is held by other calls leads to 429 with Retry-After, not to a price', async () => {
    const { token } = await buyPass(devnet, buyer, url(), POST);
    const held = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    let open = 0;
    api.answer = async (to) => {
      open += 1;
      if (open === 2) arrived.resolve();
      await held.promise;
      to.writeHead(200, { 'Content-Type': 'application/json' }).end('{"usage":{"prompt_tokens":1}}');
    };
    const calls = [callWith(token, url(), POST), callWith(token, url(), POST)];
    await arrived.promise;
    const third = await callWith(token, url(), POST);
    expect([third.status, await third.json()]).toMatchObject([429, { code: 'access_balance_in_use' }]);
    expect([third.headers.get('retry-after'), third.headers.get('payment-required')]).toEqual(['1', null]);
    held.resolve();
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await booksOf(token)).toMatchObject({ available: Number(BALANCE - chargeOf(1000, 200)) - 1000, lent: 0 });
  });

  it('serves no more of fifty calls at once than it can pay, and its sums are exact', async () => {
    const { token, response } = await buyPass(devnet, buyer, url(), POST);
    const [left] = told(response);
    const calls = await Promise.all(Array.from({ length: 50 }, () => callWith(token, url(), POST)));
    const served = calls.filter(({ status }) => status === 200);
    expect(served.length).toBeGreaterThan(0);
    expect(calls.filter(({ status }) => status !== 200 && status !== 402 && status !== 429)).toEqual([]);
    const spent = BigInt(served.length) * chargeOf(1000, 200);
    expect(await booksOf(token)).toMatchObject({ available: Number(left - spent), lent: 0 });
  });

  it('comes back by signing in, with a new token, and is added to when it is too low', async () => {
    const account = privateKeyToAccount(buyer.key);
    const client = new x402Client().register('eip155:*', new ExactEvmScheme(account));
    client.registerExtension(createSIWxClientExtension({ signers: [account] }));
    const official = wrapFetchWithPayment(fetch, new x402HTTPClient(client));
    answerTokens(40_000, 0);
    expect(told(await official(url(), POST))).toEqual([150_000n, 100_000n]);
    const back = await official(url(), POST);
    expect([back.status, ...told(back)]).toEqual([200, 50_000n, 100_000n]);
    expect(back.headers.get('payment-response')).toBeNull();
    const token = back.headers.get('x402-access-token') ?? '';
    const paidAgain = await official(url(), POST);
    expect([paidAgain.status, ...told(paidAgain)]).toEqual([200, 200_000n, 100_000n]);
    expect(told(await callWith(token, url(), POST))).toEqual([100_000n, 100_000n]);
  });

  it('pays the routes of its group, each at its own rates and up to its own maximum, and no other route', async () => {
    const { token, response } = await buyPass(devnet, buyer, `${gateway.url}/group/a`);
    const [left] = told(response);
    api.answer = (to) => void to.writeHead(200, { 'X-Cost': '7' }).end('done');
    expect(told(await callWith(token, `${gateway.url}/group/b`))).toEqual([left - 70_000n, 70_000n]);
    for (const path of ['/v1/models/1', '/plain', '/requests']) {
      const refused = await callWith(token, gateway.url + path);
      expect(refused.status).toBe(402);
    }
    expect(await booksOf(token)).toMatchObject({ available: Number(left - 70_000n), lent: 0 });
  });

  it('cannot be replaced by a pass of requests', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/requests`);
    expect((await callWith(token, `${gateway.url}/v1/models/1`)).status).toBe(402);
  });

  it('is not shown when its token was altered', async () => {
    const { token } = await buyPass(devnet, buyer, url(), POST);
    const altered = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    const refused = await callWith(altered, url(), POST);
    expect([400, 402]).toContain(refused.status);
    expect(refused.headers.get('x402-access-balance')).toBeNull();
  });

  it('gives nothing more once it was revoked', async () => {
    const { token } = await buyPass(devnet, buyer, url(), POST);
    const [pass] = (await store.passes.listPasses(undefined, 1, { payer: buyer.address })).passes;
    await store.passes.revokePass(pass!.id, Date.now());
    const refused = await callWith(token, url(), POST);
    expect([refused.status, challengeOf(refused).error]).toEqual([402, 'access_token_revoked']);
  });
});

describe('A call that a balance pays', () => {
  async function bought(): Promise<{ readonly token: string; readonly left: number }> {
    const { token, response } = await buyPass(devnet, buyer, url(), POST);
    return { token, left: Number(told(response)[0]) };
  }

  it.each([
    ['an error of the API', (to: ServerResponse) => to.writeHead(500).end('no'), 500],
    [
      'an answer of success that says that it failed',
      (to: ServerResponse) =>
        to.writeHead(200, { 'Content-Type': 'application/json' }).end('{"error":{"message":"overloaded"}}'),
      200,
    ],
    ['a connection that breaks', (to: ServerResponse) => to.destroy(), 502],
  ])('costs nothing after %s', async (_, answer, status) => {
    const { token, left } = await bought();
    api.answer = (to) => void answer(to);
    const response = await callWith(token, url(), POST);
    expect(response.status).toBe(status);
    await response.text();
    expect(await booksOf(token)).toMatchObject({ available: left, lent: 0 });
  });

  it('costs nothing when a stream breaks off', async () => {
    const { token, left } = await bought();
    api.answer = (to) => {
      to.writeHead(200, { 'Content-Type': 'text/event-stream' });
      to.write(sse([{ choices: [{ delta: { content: 'Hel' } }] }]), () => to.destroy());
    };
    const response = await callWith(token, url(), POST);
    await expect(response.text()).rejects.toThrow();
    await expect.poll(() => booksOf(token)).toMatchObject({ available: left, lent: 0 });
  });

  it('costs the output seen so far when the buyer leaves a stream', async () => {
    const { token, left } = await bought();
    const text = 'x'.repeat(4000);
    api.answer = (to) => {
      to.writeHead(200, { 'Content-Type': 'text/event-stream' });
      to.write(sse([{ choices: [{ delta: { content: text } }] }]));
    };
    const { port } = new URL(gateway.url);
    const asked = request({
      port,
      path: '/v1/chat/completions',
      method: 'POST',
      headers: { 'X402-Access-Token': token },
    });
    asked.end('{"model":"m","stream":true}');
    const [answer] = await once(asked, 'response');
    await once(answer, 'data');
    asked.destroy();
    await expect.poll(async () => (await booksOf(token)).lent).toBe(0);
    const { available } = await booksOf(token);
    expect(left - available).toBeGreaterThanOrEqual(10_000);
    expect(left - available).toBeLessThan(12_000);
  });

  it('is refused before any amount is held when its usage could not be metered', async () => {
    const { token, left } = await bought();
    const seen = api.seen.length;
    const response = await callWith(token, url(), { method: 'POST', body: '{"model":"a","model":"b"}' });
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'request_unmetered' }]);
    expect(api.seen).toHaveLength(seen);
    expect(await booksOf(token)).toMatchObject({ available: left, lent: 0 });
  });

  it('tells the API who calls, and the ledger what was used', async () => {
    const { token } = await bought();
    await callWith(token, url(), POST);
    const { headers } = api.seen.at(-1)!;
    expect(headers['x402-payer']).toBe(buyer.address.toLowerCase());
    expect(headers['accept-encoding']).toBe('identity');
    expect(JSON.stringify(headers)).not.toContain('tpk_');
    const [pass] = (await store.passes.listPasses(undefined, 1, { payer: buyer.address })).passes;
    const draws = await store.passes.balances.listDraws(pass!.id, 10);
    const charge = Number(chargeOf(1000, 200));
    expect(draws.map((draw) => [draw.charge, JSON.parse(draw.usage ?? 'null')?.figures])).toEqual([
      [charge, { input: '1000', cachedInput: '0', output: '200' }],
      [charge, { input: '1000', cachedInput: '0', output: '200' }],
    ]);
  });

  it('is reported to webhook receivers once, with its usage; the money moved when the balance was bought', async () => {
    const receiver = await startReceiver();
    const told = await startTestGateway(`${settings(devnet, api.url)}
webhooks: [{ url: "${receiver.url}", secret: ${HOOK_SECRET}, routes: [chat] }]
routes:
  - { path: /v1/chat/completions, methods: [POST], name: chat, price: ${PRICE}, access: { balance: $0.25 } }
`);
    try {
      const { token } = await buyPass(devnet, buyer, `${told.url}/v1/chat/completions`, POST);
      api.answer = (response) => {
        const usage = { prompt_tokens: 40, completion_tokens: 700 };
        const end = sse([{ object: 'chat.completion.chunk', model: 'm', choices: [], usage }, '[DONE]']);
        response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(end);
      };
      await (await callWith(token, `${told.url}/v1/chat/completions`, POST)).text();
      api.answer = (response) => void response.writeHead(500).end();
      await callWith(token, `${told.url}/v1/chat/completions`, POST);
      const messages = (await receiver.received(3)).map(({ event }) => event);
      const drawn = messages.filter(({ type }) => type === 'balance.drawn').map(({ data }) => data);
      const charges = [chargeOf(1000, 200), chargeOf(40, 700)].map(String);
      expect(drawn.map(({ amount }) => amount)).toEqual(expect.arrayContaining(charges));
      expect(drawn).toHaveLength(2);
      expect(drawn.find(({ amount }) => amount === charges[1])).toMatchObject({
        ...{ route: 'chat', payer: buyer.address.toLowerCase(), network: devnet.network, asset: devnet.usdc },
        usage: { model: 'm', figures: { input: '40', output: '700' }, rates: { output: '$10/1M' }, min: '0.0005' },
      });
      const settled = messages.filter(({ type }) => type === 'payment.settled');
      expect(settled.map(({ data }) => data['amount'])).toEqual([String(BALANCE)]);
      expect(receiver.messages).toHaveLength(3);
    } finally {
      await told.close();
      await receiver.close();
    }
  });

  it('does not open a WebSocket, whose usage cannot be metered', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/v1/models/1`);
    const { port } = new URL(gateway.url);
    const asked = request({
      port,
      path: '/v1/models/1',
      headers: {
        'X402-Access-Token': token,
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      },
    }).end();
    const [answer] = await once(asked, 'response');
    expect(answer.statusCode).toBe(400);
    answer.resume();
  });
});

describe('A payment that buys a balance', () => {
  it('is not lost when its first call fails: the answer has the token, and the same payment works once more', async () => {
    api.answer = (to) => void to.destroy();
    const header = await signFor(devnet, buyer, url(), POST);
    const pay = (): Promise<Response> => fetch(url(), { ...POST, headers: { 'PAYMENT-SIGNATURE': header } });
    const failed = await pay();
    expect(failed.status).toBe(502);
    expect(failed.headers.get('x402-access-token')).toMatch(/^tpk_/);
    expect(failed.headers.get('x402-access-balance')).toBe(String(BALANCE));
    answerTokens(1000, 200);
    const again = await pay();
    expect([again.status, ...told(again)]).toEqual([200, BALANCE - chargeOf(1000, 200), chargeOf(1000, 200)]);
    const used = await pay();
    expect([used.status, await used.json()]).toMatchObject([409, { code: 'payment_already_used' }]);
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(1_000_000n - BALANCE);
  });

  it('buys one balance of fifty copies, and one first call', async () => {
    const header = await signFor(devnet, buyer, url(), POST);
    const copies = await Promise.all(
      Array.from({ length: 50 }, () => fetch(url(), { ...POST, headers: { 'PAYMENT-SIGNATURE': header } })),
    );
    expect(copies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(copies.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
    expect(await booksOf('the copies')).toMatchObject({ available: Number(BALANCE - chargeOf(1000, 200)), lent: 0 });
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(1_000_000n - BALANCE);
  });
});
