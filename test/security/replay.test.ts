import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { encodePayment, highS, type PaymentParts, toHeader } from '../support/payment-header.ts';
import { codeOf, lastRequest, laySiege, paying, type Siege, statusOf } from './siege.ts';

/** One payment, one answer: for the request it was first used for, whatever it looks like the next time. */

const folder = mkdtempSync(join(tmpdir(), 'turnpike-'));
let devnet: Devnet;
let siege: Siege;
let buyer: Payer;

beforeAll(async () => {
  devnet = await startDevnet();
  siege = await laySiege(
    `
routes:
  - { path: /a, price: $0.001 }
  - { path: /b, price: $0.001 }
  - { path: /b, host: other.test, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
  - { path: /deferred, price: $0.001, settle: deferred }
  - { path: /idempotent, methods: [POST], price: $0.001, settle: before, idempotent: true }
`,
    { devnet, store: `sqlite:${join(folder, 'ledger.db')}` },
  );
  buyer = await freshPayer(devnet);
});
beforeEach(() => siege.answer((req, res) => req.on('end', () => res.end('served'))));
afterAll(async () => {
  await siege.close();
  await devnet.close();
  rmSync(folder, { recursive: true });
});

async function paid(): Promise<bigint> {
  return await devnet.usdcBalanceOf(devnet.accounts.payee.address);
}

function sign(path: string, method = 'GET'): Promise<PaymentParts> {
  return siege.sign(path, { key: buyer.key, method });
}

/** The same authorization in spellings that decode to it. */
function spellings(payment: PaymentParts): string[] {
  const { authorization, signature, ...rest } = payment;
  const upper = (text: string): string => `0x${text.slice(2).toUpperCase()}`;
  const respelt = {
    nonce: upper(authorization['nonce'] ?? ''),
    from: (authorization['from'] ?? '').toLowerCase(),
    ...without(authorization),
  };
  return [
    encodePayment(payment),
    encodePayment(payment).replace(/=+$/, ''),
    toHeader({ payload: { authorization: respelt, signature: upper(signature) }, ...rest }),
    toHeader({ ...rest, payload: { signature, authorization: { ...authorization, extra: 'field' }, more: 1 } }),
    toHeader({ ...rest, payload: { signature, authorization }, extensions: { any: { info: {} } }, nonsense: true }),
    Buffer.from(JSON.stringify({ ...rest, payload: { signature, authorization } }, null, 2)).toString('base64'),
    toHeader({
      ...rest,
      accepted: { ...rest.accepted, asset: String(rest.accepted['asset']).toLowerCase() },
      payload: { signature, authorization },
    }),
  ];
}

function without({ nonce: _nonce, from: _from, ...others }: Record<string, string>): Record<string, string> {
  return others;
}

describe.each(['/a', '/before', '/deferred'])('a payment for %s', (path) => {
  it('is served once and charged once, however many copies in whatever spelling come at once', async () => {
    const payment = await sign(path);
    const before = { seen: siege.seen.length, money: await paid() };
    const copies = [0, 1, 2, 3, 4, 5].flatMap(() => spellings(payment));
    const answers = await Promise.all(copies.map((header) => siege.ask(lastRequest(`GET ${path}`, [paying(header)]))));
    const statuses = answers.map(statusOf);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(new Set(statuses)).toEqual(new Set([200, 409]));
    expect(
      answers.filter((answer) => statusOf(answer) === 409).flatMap((answer) => answer.all('payment-required')),
    ).toEqual([]);
    expect(siege.seen.length - before.seen).toBe(1);
    await expect.poll(async () => (await paid()) - before.money).toBe(1000n);
    for (const header of spellings(payment)) {
      const again = await siege.ask(lastRequest(`GET ${path}`, [paying(header)]));
      expect(codeOf(again)).toBe('payment_already_used');
    }
    expect(siege.seen.length - before.seen).toBe(1);
  });
});

describe('a used payment', () => {
  it.each([
    ['another route', 'GET /b', []],
    ['another method', 'POST /a', ['Content-Length: 0']],
    ['HEAD', 'HEAD /a', []],
    ['another query', 'GET /a?x=1', []],
    ['an empty query', 'GET /a?', []],
  ] as const)('buys nothing at %s of the same price', async (_name, line, headers) => {
    const payment = await sign('/a');
    expect(statusOf(await siege.ask(lastRequest('GET /a', [paying(payment)])))).toBe(200);
    const before = { seen: siege.seen.length, money: await paid() };
    const answer = await siege.ask(lastRequest(line, [...headers, paying(payment)]));
    expect(statusOf(answer)).toBe(409);
    if (!line.startsWith('HEAD')) expect(codeOf(answer)).toBe('payment_bound_to_another_request');
    expect(answer.all('payment-required')).toEqual([]);
    expect({ seen: siege.seen.length, money: await paid() }).toEqual(before);
  });

  it('buys nothing at another host', async () => {
    const payment = await sign('/b');
    expect(statusOf(await siege.ask(lastRequest('GET /b', [paying(payment)])))).toBe(200);
    const before = siege.seen.length;
    // One has a route of its own, the other the same route.
    for (const host of ['other.test', 'another.test']) {
      const bytes = `GET /b HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${paying(payment)}\r\n\r\n`;
      expect(codeOf(await siege.ask(bytes))).toBe('payment_bound_to_another_request');
    }
    expect(siege.seen.length).toBe(before);
  });

  it('buys nothing with the other signature that the same key and message have', async () => {
    const payment = await sign('/a');
    expect(statusOf(await siege.ask(lastRequest('GET /a', [paying(payment)])))).toBe(200);
    const before = siege.seen.length;
    const twin = { ...payment, signature: highS(payment.signature) };
    expect(statusOf(await siege.ask(lastRequest('GET /a', [paying(twin)])))).toBe(402);
    expect(siege.seen.length).toBe(before);
  });

  it('buys nothing as a payment of the other protocol version', async () => {
    const payment = await sign('/a');
    const { authorization, signature } = payment;
    expect(statusOf(await siege.ask(lastRequest('GET /a', [paying(payment)])))).toBe(200);
    const before = siege.seen.length;
    const v1 = toHeader({
      x402Version: 1,
      scheme: 'exact',
      network: 'base-sepolia',
      payload: { signature, authorization },
    });
    expect(codeOf(await siege.ask(lastRequest('GET /a', [`X-PAYMENT: ${v1}`])))).toBe('payment_already_used');
    expect(siege.seen.length).toBe(before);
  });
});

describe('a payment whose answer did not arrive', () => {
  it('collects it once, at no new charge, and only with the body it was paid for', async () => {
    const payment = await sign('/idempotent', 'POST');
    const ask = (body: string) =>
      siege.ask(lastRequest('POST /idempotent', [paying(payment), `Content-Length: ${body.length}`], body));
    siege.answer((req, res) => req.on('end', () => res.writeHead(500).end('broken')));
    const money = await paid();
    expect(statusOf(await ask('order 1'))).toBe(500);
    siege.answer((req, res) => req.on('end', () => res.end('served')));
    expect(codeOf(await ask('order 2'))).toBe('payment_bound_to_another_request');
    const collected = (await Promise.all(Array.from({ length: 10 }, () => ask('order 1')))).map(statusOf);
    expect(collected.filter((status) => status === 200)).toHaveLength(1);
    expect(codeOf(await ask('order 1'))).toBe('payment_already_used');
    expect((await paid()) - money).toBe(1000n);
    expect(siege.seen.filter(({ body }) => body === 'order 2')).toEqual([]);
  });

  it('is not charged when the API refused, and buys one answer elsewhere then', async () => {
    const payment = await sign('/a');
    const money = await paid();
    siege.answer((req, res) => req.on('end', () => res.writeHead(404).end('none')));
    expect(statusOf(await siege.ask(lastRequest('GET /a', [paying(payment)])))).toBe(404);
    siege.answer((req, res) => req.on('end', () => res.end('served')));
    const both = await Promise.all(
      ['/a', '/b', '/a', '/b'].map((path) => siege.ask(lastRequest(`GET ${path}`, [paying(payment)]))),
    );
    expect(both.map(statusOf).toSorted()).toEqual([200, 409, 409, 409]);
    expect((await paid()) - money).toBe(1000n);
  });
});
