import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PaymentState } from '../../src/domain/payment-state.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import { challengeOf, settlementOf } from '../support/buyer.ts';
import {
  type Devnet,
  freshPayer,
  type Payer,
  requirementsOn,
  startDevnet,
  transferWithAuthorization,
} from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { encodePayment, handSigned, type Requirement } from '../support/payment-header.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** What a buyer gets who asks again: kept answers, named purchases, old prices, answers on credit. */

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let buyer: Payer;
let behaviour: (req: IncomingMessage, res: ServerResponse) => void;
const folder = mkdtempSync(join(tmpdir(), 'turnpike-'));

const ROUTES = `
routes:
  - { path: /kept, methods: [POST], price: $0.001, keepAnswers: { size: 64KB }, timeout: 2s }
  - { path: /kept-before, methods: [POST], price: $0.001, settle: before, keepAnswers: { size: 64KB }, timeout: 2s }
  - { path: /idempotent, methods: [POST], price: $0.001, settle: before, idempotent: true, timeout: 2s }
  - { path: /named, price: $0.001, paymentIdentifier: optional, keepAnswers: { size: 64KB } }
  - { path: /must-be-named, price: $0.001, paymentIdentifier: required }
  - { path: /breaking, price: $0.001 }
  - { path: /credit/*, price: $0.001, settle: deferred }
deferred: { maxUnsettled: 1000, maxUnsettledPerPayer: 2 }
`;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((req, res) => behaviour(req, res))]);
  gateway = await startTestGateway(durable('main.db') + ROUTES);
  buyer = await freshPayer(devnet);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
  rmSync(folder, { recursive: true });
});

function durable(file: string): string {
  return settings(devnet, upstream.url).replace('store: memory', `store: sqlite:${join(folder, file)}`);
}

async function quote(url: string, init: RequestInit = {}): Promise<Requirement> {
  const response = await fetch(url, init);
  await response.arrayBuffer();
  return challengeOf(response).accepts[0] as unknown as Requirement;
}

async function sign(url: string, init: RequestInit = {}, id?: string, payer = buyer): Promise<string> {
  const parts = await handSigned(payer.key, await quote(url, init));
  return encodePayment(id === undefined ? parts : { ...parts, extensions: named(id) });
}

function named(id: string): Record<string, unknown> {
  return { 'payment-identifier': { info: { required: false, id } } };
}

async function pay(path: string, header: string, init: RequestInit = {}, at = gateway): Promise<Response> {
  return await fetch(at.url + path, { ...init, headers: { 'PAYMENT-SIGNATURE': header } });
}

async function paidTo(): Promise<bigint> {
  return await devnet.usdcBalanceOf(devnet.accounts.payee.address);
}

/** Lets the buyer go once the whole request is in, and answers when the gateway has noticed. */
function answerTheGone(client: AbortController): typeof behaviour {
  return (req, res) => {
    req.resume();
    req.once('end', () => {
      client.abort();
      setTimeout(() => res.setHeader('X-Order', '42').end('made once'), 50);
    });
  };
}

/** Asks until the answer is the one to wait for: what changes it happens in the gateway and on the chain. */
async function until<T>(look: () => Promise<T>, ready: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await look();
    if (ready(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a kept answer', () => {
  it('is collected by a buyer whose connection dropped, with the same body only, and the call is made once', async () => {
    const before = await paidTo();
    const init = { method: 'POST', body: 'order 2' };
    const header = await sign(`${gateway.url}/kept-before`, init);
    const client = new AbortController();
    behaviour = answerTheGone(client);
    await expect(pay('/kept-before', header, { ...init, signal: client.signal })).rejects.toThrow();
    const other = await until(
      () => pay('/kept-before', header, { method: 'POST', body: 'order 3' }),
      ({ headers }) => headers.get('retry-after') === null,
    );
    expect(await other.json()).toMatchObject({ code: 'payment_bound_to_another_request' });
    const seen = upstream.seen.length;
    const same = await pay('/kept-before', header, init);
    expect(same.status).toBe(200);
    expect(await same.text()).toBe('made once');
    expect(same.headers.get('x-order')).toBe('42');
    expect(settlementOf(same).success).toBe(true);
    const again = await pay('/kept-before', header, init);
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: 'payment_already_used' });
    expect(upstream.seen.length).toBe(seen);
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('larger than the limit is delivered and not kept', async () => {
    const init = { method: 'POST', body: 'order 4' };
    const header = await sign(`${gateway.url}/kept`, init);
    behaviour = (req, res) => {
      req.resume();
      req.once('end', () => res.end('z'.repeat(100_000)));
    };
    const response = await pay('/kept', header, init);
    expect(await response.text()).toBe('z'.repeat(100_000));
    expect(settlementOf(response).success).toBe(true);
  });

  it('that breaks off before the money moved costs nothing', async () => {
    const before = await paidTo();
    const init = { method: 'POST', body: 'order 5' };
    const header = await sign(`${gateway.url}/kept`, init);
    behaviour = (req, res) => {
      req.resume();
      res.writeHead(200, { 'Content-Length': '1000' });
      res.write('part');
      setImmediate(() => res.destroy());
    };
    expect((await pay('/kept', header, init)).status).toBe(502);
    expect(await paidTo()).toBe(before);
  });
});

describe('an answer that breaks off again and again', () => {
  it('is sent five times at most for one payment', async () => {
    const before = await paidTo();
    const header = await sign(`${gateway.url}/breaking`);
    behaviour = (_req, res) => {
      res.writeHead(200, { 'Content-Length': '1000' });
      res.write('all but the last byte');
      setImmediate(() => res.destroy());
    };
    const seen = upstream.seen.length;
    const answers: number[] = [];
    for (let index = 0; index < 7; index += 1) {
      const response = await until(
        () => pay('/breaking', header),
        ({ headers }) => headers.get('retry-after') === null,
      );
      await response.text().catch(() => 'broken off');
      answers.push(response.status);
    }
    expect(answers).toEqual([200, 200, 200, 200, 200, 409, 409]);
    expect(upstream.seen.length).toBe(seen + 5);
    expect(await paidTo()).toBe(before + 1000n);
  });
});

describe('an idempotent call', () => {
  it('is made again with the same body, and cut off before its end with another one', async () => {
    const before = await paidTo();
    const init = { method: 'POST', body: 'x'.repeat(100_000) };
    const header = await sign(`${gateway.url}/idempotent`, init);
    behaviour = (req) => {
      req.resume();
      req.once('end', () => req.socket.destroy());
    };
    expect((await pay('/idempotent', header, init)).status).toBe(502);
    let whole = 0;
    behaviour = (req, res) => {
      req.resume();
      req.once('end', () => {
        whole += 1;
        res.end('done');
      });
    };
    const other = await pay('/idempotent', header, { method: 'POST', body: 'y'.repeat(100_000) });
    expect(other.status).toBe(409);
    expect(await other.json()).toMatchObject({ code: 'payment_bound_to_another_request' });
    expect(whole).toBe(0);
    const same = await pay('/idempotent', header, init);
    expect(await same.text()).toBe('done');
    expect(whole).toBe(1);
    expect(await paidTo()).toBe(before + 1000n);
  });
});

describe('a named purchase', () => {
  const id = 'order-0123456789abcdef';

  it('is declared in the 402', async () => {
    const { extensions } = challengeOf(await fetch(`${gateway.url}/named`));
    expect(extensions).toMatchObject({ 'payment-identifier': { info: { required: false } } });
  });

  it('is charged once, however often it is paid for', async () => {
    const before = await paidTo();
    behaviour = (_req, res) => res.end('named answer');
    const first = await pay('/named', await sign(`${gateway.url}/named`, {}, id));
    expect(await first.text()).toBe('named answer');
    const seen = upstream.seen.length;
    const second = await pay('/named', await sign(`${gateway.url}/named`, {}, id));
    expect(second.status).toBe(200);
    expect(await second.text()).toBe('named answer');
    expect(settlementOf(second)).toEqual(settlementOf(first));
    expect(upstream.seen.length).toBe(seen);
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('belongs to one request', async () => {
    const response = await pay('/named?other=1', await sign(`${gateway.url}/named?other=1`, {}, id));
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: 'payment_identifier_conflict' });
    expect(response.headers.get('payment-required')).toBeNull();
  });

  it('of another payer is another purchase', async () => {
    const stranger = await freshPayer(devnet);
    const response = await pay('/named', await sign(`${gateway.url}/named`, {}, id, stranger));
    expect(response.status).toBe(200);
    expect(settlementOf(response).payer).toBe(stranger.address.toLowerCase());
  });

  it.each([
    ['required and absent', undefined, 'payment_identifier_required'],
    ['too short', 'short', 'payment_malformed'],
    ['full of blanks', 'a b c d e f g h i j k l', 'payment_malformed'],
  ])('is refused with 400 when it is %s', async (_what, bad, code) => {
    const response = await pay('/must-be-named', await sign(`${gateway.url}/must-be-named`, {}, bad));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code });
  });
});

describe('a price that was quoted', () => {
  it('is accepted after a price change and a restart, for its lifetime', async () => {
    const route = (price: string): string =>
      `${durable('quotes.db')}\nroutes:\n  - { path: /priced, price: ${price} }\n`;
    behaviour = (_req, res) => res.end('served');
    let now = Date.now();
    const clock = (): number => now;
    const cheap = await startTestGateway(route('$0.001'), { clock });
    const [soon, late] = [await sign(`${cheap.url}/priced`), await sign(`${cheap.url}/priced`)];
    await cheap.close();
    const dear = await startTestGateway(route('$0.002'), { clock });
    expect((await quote(`${dear.url}/priced`)).amount).toBe('2000');
    const before = await paidTo();
    expect((await pay('/priced', soon, {}, dear)).status).toBe(200);
    expect(await paidTo()).toBe(before + 1000n);
    now += 301_000;
    const refused = await pay('/priced', late, {}, dear);
    expect(refused.status).toBe(402);
    expect(challengeOf(refused).accepts[0]?.amount).toBe('2000');
    await dear.close();
  });
});

describe('settle: deferred', () => {
  it('answers before the money moved, and moves it soon after', async () => {
    const before = await paidTo();
    behaviour = (_req, res) => res.end('on credit');
    const header = await sign(`${gateway.url}/credit/1`);
    const response = await pay('/credit/1', header);
    expect(await response.text()).toBe('on credit');
    expect(settlementOf(response)).toMatchObject({ success: true, transaction: '' });
    await until(paidTo, (balance) => balance === before + 1000n);
    const again = await pay('/credit/1', header);
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: 'payment_already_used' });
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('charges nothing for an answer of 500', async () => {
    const before = await paidTo();
    const header = await sign(`${gateway.url}/credit/2`);
    behaviour = (_req, res) => res.writeHead(500).end('sorry');
    expect((await pay('/credit/2', header)).status).toBe(500);
    behaviour = (_req, res) => res.end('works');
    expect(await (await pay('/credit/2', header)).text()).toBe('works');
    await until(paidTo, (balance) => balance === before + 1000n);
  });

  it('settles before it answers when a payer has the allowed number of unsettled calls', async () => {
    const debtor = await freshPayer(devnet);
    const headers = await Promise.all(
      [1, 2, 3].map((index) => sign(`${gateway.url}/credit/bound${index}`, {}, undefined, debtor)),
    );
    const release = Promise.withResolvers<void>();
    // Two answers are held open: they are owed for, and not settled before they end.
    behaviour = async (_req, res) => {
      res.write('begun');
      await release.promise;
      res.end();
    };
    // One after the other: of two at once the gate may count one twice, and then settles it first.
    const held = [await pay('/credit/bound1', headers[0]!), await pay('/credit/bound2', headers[1]!)];
    behaviour = (_req, res) => res.end('third');
    const third = await pay('/credit/bound3', headers[2]!);
    expect(held.map((response) => settlementOf(response).transaction)).toEqual(['', '']);
    expect(settlementOf(third).transaction).not.toBe('');
    release.resolve();
    await Promise.all(held.map((response) => response.text()));
    await until(
      () => devnet.usdcBalanceOf(debtor.address),
      (left) => left === 1_000_000n - 3000n,
    );
  });

  it('serves nothing more for a payment whose settlement failed, and states no price while its money is asked for', async () => {
    const store = openMemoryLedger();
    const own = await startTestGateway(settings(devnet, upstream.url) + ROUTES, { store });
    const poor = await freshPayer(devnet);
    const header = await sign(`${own.url}/credit/poor`, {}, undefined, poor);
    // The payer's money leaves between verification and settlement.
    const drain = await handSigned(poor.key, { ...(await quote(`${own.url}/credit/poor`)), amount: '1000000' });
    behaviour = async (_req, res) => {
      const payload = { signature: drain.signature, authorization: drain.authorization };
      await transferWithAuthorization(devnet, { x402Version: 2, accepted: requirementsOn(devnet), payload });
      res.end('served on credit');
    };
    const stateIs = (state: PaymentState) =>
      until(
        () => store.list({}, undefined, 10),
        ([row]) => row?.state === state,
      );
    expect(await (await pay('/credit/poor', header, {}, own)).text()).toBe('served on credit');
    await stateIs('defaulted');
    const again = await pay('/credit/poor', header, {}, own);
    expect([again.status, again.headers.get('payment-required')]).toEqual([409, null]);
    expect(await again.json()).toMatchObject({ code: 'payment_already_used' });
    await devnet.mint(poor.address, 10_000n);
    await stateIs('delivered');
    await own.close();
  });

  it('is not asked for again where the answer broke off, so that its buyer pays for one answer', async () => {
    const store = openMemoryLedger();
    const own = await startTestGateway(settings(devnet, upstream.url) + ROUTES, { store });
    const url = `${own.url}/credit/broken`;
    const poor = await freshPayer(devnet);
    const header = await sign(url, {}, undefined, poor);
    const drain = await handSigned(poor.key, { ...(await quote(url)), amount: '1000000' });
    behaviour = async (_req, res) => {
      const payload = { signature: drain.signature, authorization: drain.authorization };
      await transferWithAuthorization(devnet, { x402Version: 2, accepted: requirementsOn(devnet), payload });
      res.writeHead(200, { 'Content-Length': '1000' });
      res.write('half', () => setImmediate(() => res.destroy()));
    };
    const first = await pay('/credit/broken', header, {}, own);
    await expect(first.text()).rejects.toThrow();
    const refused = await until(
      () => pay('/credit/broken', header, {}, own),
      (response) => response.status !== 409,
    );
    expect(challengeOf(refused).error).toBe('payment_defaulted');
    await devnet.mint(poor.address, 10_000n);
    behaviour = (_req, res) => res.end('whole');
    const anew = await pay('/credit/broken', await sign(url, {}, undefined, poor), {}, own);
    expect(await anew.text()).toBe('whole');
    const rows = await until(
      () => store.list({}, undefined, 10),
      (found) => found.some(({ state }) => state === 'delivered'),
    );
    expect(rows.map(({ state, checkAt }) => (state === 'defaulted' ? checkAt : state)).toSorted()).toEqual([
      0,
      'delivered',
    ]);
    expect(await devnet.usdcBalanceOf(poor.address)).toBe(9000n);
    await own.close();
  });
});
