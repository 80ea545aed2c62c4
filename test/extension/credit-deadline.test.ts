import type { IncomingMessage, ServerResponse } from 'node:http';
import { generatePrivateKey } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { builtIn } from '../../src/registry.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { challengeOf, settlementOf } from '../support/buyer.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { encodePayment, handSigned } from '../support/payment-header.ts';
import { connectRaw, type RawPeer } from '../support/raw-http.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { TallyFacilitator } from './tally-facilitator.ts';
import { wordMeter } from './word-meter.ts';

/** An answer on credit must not outlive the authorization that pays for it: the gateway's timers run when a test says so. */

interface Timer {
  readonly ms: number;
  readonly run: () => void;
  calledOff: boolean;
}

const NOW = Date.now();
/** Seconds that a payment of these tests is good for, and that settling it may take. */
const LASTS = 300;
const TO_SETTLE = 30;

let upstream: TestUpstream;
let behaviour: (req: IncomingMessage, res: ServerResponse) => void;
let tally: TallyFacilitator;
let store: PaymentStore;
let gateway: TestGateway;
let now: number;
let timers: Timer[];

beforeAll(async () => {
  upstream = await startUpstream((req, res) => behaviour(req, res));
});
afterAll(async () => await upstream.close());

beforeEach(async () => {
  tally = new TallyFacilitator();
  store = openMemoryLedger(Date.now);
  now = NOW;
  timers = [];
  gateway = await startTestGateway(
    `upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "http://127.0.0.1:9" }
routes:
  - { path: /words/*, price: $0.001 }
  - { path: /later, price: $0.001, settle: deferred }
`,
    {
      registry: { ...builtIn, answerReaders: [wordMeter()] },
      openFacilitator: ({ name }) => tally.named(name),
      store,
      clock: () => now,
      after(ms, run) {
        const timer: Timer = { ms, run, calledOff: false };
        timers.push(timer);
        return () => {
          timer.calledOff = true;
        };
      },
    },
  );
});
afterEach(async () => await gateway.close());

async function signed(path: string): Promise<string> {
  const [accepted] = challengeOf(await fetch(gateway.url + path)).accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  const authorization = { validBefore: String(Math.floor(NOW / 1000) + LASTS) };
  return encodePayment(await handSigned(generatePrivateKey(), { ...accepted }, { authorization }));
}

async function ask(path: string): Promise<RawPeer> {
  const client = await connectRaw(Number(new URL(gateway.url).port));
  client.send(`GET ${path} HTTP/1.1\r\nHost: gw\r\nPAYMENT-SIGNATURE: ${await signed(path)}\r\n\r\n`);
  return client;
}

const EVENTS = { 'Content-Type': 'text/event-stream' };
const IN_TIME = Math.floor(NOW / 1000) * 1000 + (LASTS - TO_SETTLE) * 1000 - NOW;

async function stateIs(expected: string): Promise<void> {
  await expect.poll(async () => (await store.list({}, undefined, 10)).map(({ state }) => state)).toEqual([expected]);
}

describe('A stream that does not end', () => {
  it('is cut while its payment can still be settled, and what went out is charged', async () => {
    const left = Promise.withResolvers<void>();
    behaviour = (req, res) => {
      req.resume();
      res.once('close', () => left.resolve());
      res.writeHead(200, EVENTS).write('one two\n');
    };
    const client = await ask('/words/x');
    await client.until('one two');
    expect(timers).toMatchObject([{ ms: IN_TIME, calledOff: false }]);
    timers[0]?.run();
    expect((await client.ended).toString()).not.toContain('\r\n0\r\n');
    expect(await tally.afterSettlements(1)).toEqual([200n]);
    await left.promise;
    await stateIs('delivered_in_part');
  });

  it('is cut on credit at the whole price, too', async () => {
    behaviour = (req, res) => {
      req.resume();
      res.writeHead(200, EVENTS).write('one two\n');
    };
    const client = await ask('/later');
    await client.until('one two');
    expect(timers).toMatchObject([{ ms: IN_TIME }]);
    timers[0]?.run();
    await client.ended;
    expect(await tally.afterSettlements(1)).toEqual([1000n]);
  });
});

describe('A buyer who does not read', () => {
  it('is cut off before the payment ends, and pays for what went out', async () => {
    const paused = Promise.withResolvers<void>();
    behaviour = (req, res) => {
      req.resume();
      res.writeHead(200, EVENTS);
      // As much as the gateway and the connections on both sides take.
      const more = (): void => {
        while (res.write('word '.repeat(20_000).concat('\n')));
        paused.resolve();
      };
      res.on('drain', more);
      more();
    };
    const client = await ask('/words/x');
    client.socket.pause();
    await paused.promise;
    await expect.poll(() => timers.length).toBe(1);
    timers[0]?.run();
    expect(await tally.afterSettlements(1)).toEqual([1000n]);
    client.socket.destroy();
  });

  it('the last part is cut off as well, and pays the charge that was written', async () => {
    behaviour = (req, res) => {
      req.resume();
      res.writeHead(200, EVENTS).end(`one two\n${'the end '.padEnd(12 * 1024 * 1024, '.')}`);
    };
    const client = await ask('/words/x');
    await client.until('one two');
    client.socket.pause();
    const asked = async (): Promise<bigint | undefined> => (await store.list({}, undefined, 10))[0]?.asked;
    await expect.poll(asked, { timeout: 60_000 }).toBe(200n);
    expect(tally.moved).toEqual([]);
    timers[0]?.run();
    expect(await tally.afterSettlements(1)).toEqual([200n]);
    client.socket.destroy();
  });
});

describe('An answer on credit', () => {
  it('that ends in time leaves no timer', async () => {
    behaviour = (req, res) => {
      req.resume();
      res.writeHead(200, EVENTS).end('one two\nthe end\n');
    };
    await (
      await fetch(`${gateway.url}/words/x`, { headers: { 'PAYMENT-SIGNATURE': await signed('/words/x') } })
    ).text();
    expect(await tally.afterSettlements(1)).toEqual([200n]);
    expect(timers).toMatchObject([{ calledOff: true }]);
  });

  it.each([
    '/words/x',
    '/later',
  ])('of %s is not begun where its payment ends too soon: it is settled first', async (path) => {
    behaviour = (req, res) => {
      req.resume();
      now = NOW + (LASTS - TO_SETTLE) * 1000;
      res.writeHead(200, EVENTS).end('one two\nthe end\n');
    };
    const header = await signed(path);
    if (path === '/later') now = NOW + (LASTS - TO_SETTLE) * 1000;
    const paid = await fetch(gateway.url + path, { headers: { 'PAYMENT-SIGNATURE': header } });
    expect(await paid.text()).toContain('one two');
    expect(settlementOf(paid)).toMatchObject({ success: true, transaction: expect.stringMatching(/^0x/) });
    expect(timers).toEqual([]);
  });
});
