import type { ServerResponse } from 'node:http';
import { generatePrivateKey } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { challengeOf, settlementOf } from '../support/buyer.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { scrape, sumOf } from '../support/metrics.ts';
import { encodePayment, handSigned, type Requirement } from '../support/payment-header.ts';
import { type Behaviour, type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** Two facilitators behind a whole gateway: which one settles when the first one sends nothing. */

const MODES = ['after', 'before', 'deferred'] as const;

let first: ScriptedFacilitator;
let second: ScriptedFacilitator;
let upstream: TestUpstream;
let store: PaymentStore;
let gateway: TestGateway;
let answer: (res: ServerResponse) => void;

beforeEach(async () => {
  [first, second] = await Promise.all([startScriptedFacilitator(), startScriptedFacilitator()]);
  answer = (res) => res.end('served');
  upstream = await startUpstream((_req, res) => answer(res));
  store = openMemoryLedger();
  const text = `
upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator:
  - { url: "${first.url}", rpc: off }
  - { url: "${second.url}", rpc: off }
routes:
${MODES.map((settle) => `  - { path: /${settle}, price: $0.001, settle: ${settle} }`).join('\n')}
`;
  gateway = await startTestGateway(text, { store });
});

afterEach(async () => {
  await gateway.close();
  await Promise.all([first.close(), second.close(), upstream.close()]);
});

function door(status: number): Behaviour {
  return { kind: 'say', text: '{"error":"quota"}', status };
}

async function buy(mode: string): Promise<Response> {
  return await (await payment(mode))();
}

/** A payment of an account of its own, to be sent any number of times. */
async function payment(mode: string): Promise<() => Promise<Response>> {
  const url = `${gateway.url}/${mode}`;
  const [accepted] = challengeOf(await fetch(url)).accepts;
  const signed = await handSigned(generatePrivateKey(), accepted as unknown as Requirement);
  return () => fetch(url, { headers: { 'PAYMENT-SIGNATURE': encodePayment(signed) } });
}

function askedTo(endpoint: string, facilitator: ScriptedFacilitator): number {
  return facilitator.requests.filter((request) => request.endpoint === endpoint).length;
}

/** As the gateway names a facilitator. */
function nameOf({ url }: ScriptedFacilitator): string {
  return new URL(url).host;
}

/** The ledger as it is handed to a gateway after which another one uses it. */
function unclosed(ledger: PaymentStore): PaymentStore {
  return new Proxy(ledger, {
    get(target, name) {
      if (name === 'close') return async () => undefined;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

async function rows() {
  return await store.list({}, undefined, 10);
}

describe.each([401, 402, 403, 429])('a facilitator that refuses the settle request with status %i', (status) => {
  it.each(MODES)('leaves the payment to the next one, and gets no requests for a while: %s', async (mode) => {
    first.next('settle', door(status));
    const served = await buy(mode);
    expect(served.status).toBe(200);
    expect(await served.text()).toBe('served');
    expect(settlementOf(served).success).toBe(true);
    // With `settle: deferred` the settlement is in the background.
    await expect.poll(async () => (await rows()).map(({ state }) => state)).toEqual(['delivered']);
    expect((await rows()).map(({ facilitator }) => facilitator)).toEqual([nameOf(second)]);
    expect([askedTo('settle', first), askedTo('settle', second)]).toEqual([1, 1]);

    expect((await buy(mode)).status).toBe(200);
    await expect.poll(() => askedTo('settle', second)).toBe(2);
    // With `settle: before` the settlement alone decides.
    const verified = mode === 'before' ? 0 : 1;
    expect([askedTo('verify', first), askedTo('settle', first)]).toEqual([verified, 1]);
  });
});

describe('a facilitator that gets no requests for a while', () => {
  it('is reported in metrics, log and readiness, which stays ready', async () => {
    first.next('settle', door(429));
    await buy('after');
    const samples = await scrape(gateway.adminUrl);
    const labels = { facilitator: nameOf(first), operation: 'settle', outcome: 'facilitator_overloaded' };
    expect(sumOf(samples, 'turnpike_facilitator_requests_total', labels)).toBe(1);
    expect(gateway.log).toContainEqual(
      expect.objectContaining({ msg: 'facilitator fault', facilitator: nameOf(first), operation: 'settle' }),
    );
    const check = gateway.readiness().find(({ name }) => name.startsWith('facilitator for'));
    expect(check).toMatchObject({ ready: true, detail: `${nameOf(first)}: it refuses to settle with HTTP status 429` });
  });
});

describe('a payment that the first facilitator did not send', () => {
  it('is settled by the next one when the first goes away after verification', async () => {
    const send = await payment('after');
    answer = (res) => void first.close().then(() => res.end('served'));
    const served = await send();
    first = await startScriptedFacilitator();
    expect(served.status).toBe(200);
    expect((await rows()).map(({ facilitator, state }) => [facilitator, state])).toEqual([
      [nameOf(second), 'delivered'],
    ]);
  });

  it.each([
    ['refuses it', { kind: 'refuse', reason: 'insufficient_funds' } as const],
    ['cannot be asked', { kind: 'reset' } as const],
  ])('gets no new offer, and stays valid, when the next one %s', async (_how, verdict) => {
    const send = await payment('after');
    first.next('settle', door(429));
    second.next('verify', verdict);
    const refused = await send();
    expect([refused.status, refused.headers.has('payment-required')]).toEqual([503, false]);
    expect(await refused.json()).toMatchObject({ code: 'facilitator_overloaded' });
    expect(refused.headers.has('retry-after')).toBe(true);
    expect((await send()).status).toBe(200);
    expect([askedTo('settle', first), askedTo('settle', second)]).toEqual([1, 1]);
  });

  it('gets no new offer when all refuse the settle request', async () => {
    first.next('settle', door(402));
    second.next('settle', door(403));
    const refused = await buy('before');
    expect([refused.status, refused.headers.has('payment-required')]).toEqual([503, false]);
    expect([askedTo('settle', first), askedTo('settle', second)]).toEqual([1, 1]);
  });
});

describe('a debt that every facilitator refuses at its door', () => {
  it('stops no other buyer when it is asked for again', async () => {
    const soon = { ...door(403), headers: { 'retry-after': '1' } } as const;
    for (const facilitator of [first, second]) facilitator.next('settle', soon, soon, soon);
    expect((await buy('deferred')).status).toBe(200);
    await expect.poll(() => askedTo('settle', first), { timeout: 15_000 }).toBe(2);
    await expect.poll(async () => (await rows()).map(({ state }) => state)).toEqual(['owed']);
    expect((await buy('deferred')).status).toBe(200);
    expect(askedTo('verify', first)).toBeGreaterThan(1);
  });
});

describe('a debt of a facilitator that the file no longer names after a restart', () => {
  it('is settled by the facilitator that the file names now, since nothing of it was sent', async () => {
    await gateway.close();
    const fileOf = ({ url }: ScriptedFacilitator): string => `
upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "${url}", rpc: off }
routes:
  - { path: /deferred, price: $0.001, settle: deferred }
`;
    store = openMemoryLedger();
    gateway = await startTestGateway(fileOf(first), { store: unclosed(store) });
    first.next('settle', ...Array.from({ length: 20 }, () => door(403)));
    expect((await buy('deferred')).status).toBe(200);
    await expect
      .poll(async () => (await rows()).map(({ state, reason }) => [state, reason]))
      .toEqual([['owed', 'facilitator_overloaded']]);
    await gateway.close();
    gateway = await startTestGateway(fileOf(second), { store });
    await expect
      .poll(async () => (await rows()).map(({ state, facilitator }) => [state, facilitator]), { timeout: 15_000 })
      .toEqual([['delivered', nameOf(second)]]);
    expect([askedTo('verify', second), askedTo('settle', second)]).toEqual([1, 1]);
  });
});

describe('a payment that the first facilitator may have sent', () => {
  const doubtful: readonly (readonly [string, Behaviour])[] = [
    ['answers 500', { kind: 'say', text: 'no', status: 500 }],
    ['answers 400 without a settle answer', { kind: 'say', text: '{}', status: 400 }],
    ['breaks off', { kind: 'reset' }],
    ['refuses with 402 in a settle answer', { kind: 'refuse', reason: 'settlement_pending', status: 402 }],
  ];
  it.each(doubtful)('never goes to the next one when the first %s', async (_how, behaviour) => {
    first.next('settle', ...Array.from({ length: 20 }, () => behaviour));
    const refused = await buy('after');
    expect([refused.status, refused.headers.has('payment-required')]).toEqual([503, false]);
    expect(await refused.json()).toMatchObject({ code: 'settlement_unknown' });
    expect([askedTo('verify', second), askedTo('settle', second)]).toEqual([0, 0]);
    expect((await rows()).map(({ facilitator }) => facilitator)).toEqual([nameOf(first)]);
  });
});
