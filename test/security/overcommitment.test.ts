import { Readable } from 'node:stream';
import { generatePrivateKey } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RawResponse } from '../support/raw-http.ts';
import { codeOf, lastRequest, laySiege, paying, type Siege, statusOf } from './siege.ts';

/** One payer with money for one call makes many calls at once: each payment is valid until the first is settled. */

const MOST = 3;
let siege: Siege;
const key = generatePrivateKey();
let release: () => void;

beforeEach(async () => {
  siege = await laySiege(`
limits: { unpaidCallsPerPayer: ${MOST} }
routes:
  - { path: /after, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
`);
  const released = Promise.withResolvers<void>();
  release = released.resolve;
  siege.answer((_req, res) => void released.promise.then(() => res.end('served')));
});
afterEach(() => siege.close());

async function call(payer = key): Promise<{ readonly header: string; readonly answer: Promise<RawResponse> }> {
  const header = paying(await siege.sign('/after', { key: payer }));
  return { header, answer: siege.ask(lastRequest('GET /after', [header])) };
}

describe('the unpaid calls of one payer', () => {
  it('are bounded: one more is refused with 429, without an offer, and its payment stays good', async () => {
    const calls = await Promise.all(Array.from({ length: MOST }, () => call()));
    await siege.asked(MOST);
    const over = await call();
    const refused = await over.answer;
    expect([statusOf(refused), codeOf(refused)]).toEqual([429, 'too_many_unpaid_calls']);
    expect(refused.all('payment-required')).toEqual([]);
    expect(refused.all('retry-after')).toEqual(['1']);
    expect(siege.seen.length).toBe(MOST);
    release();
    for (const { answer } of calls) expect(statusOf(await answer)).toBe(200);
    expect(statusOf(await siege.ask(lastRequest('GET /after', [over.header])))).toBe(200);
  });

  it('do not count for another payer', async () => {
    const calls = await Promise.all(Array.from({ length: MOST }, () => call()));
    await siege.asked(MOST);
    const other = await call(generatePrivateKey());
    await siege.asked(MOST + 1);
    release();
    for (const { answer } of [...calls, other]) expect(statusOf(await answer)).toBe(200);
  });

  it('count once for all copies of a payment, and a copy is refused as in progress', async () => {
    const calls = await Promise.all(Array.from({ length: MOST }, () => call()));
    await siege.asked(MOST);
    for (const { header } of calls) {
      const copy = await siege.ask(lastRequest('GET /after', [header]));
      expect([statusOf(copy), codeOf(copy)]).toEqual([409, 'payment_in_progress']);
    }
    release();
    await Promise.all(calls.map(({ answer }) => answer));
  });

  it('stop counting when the call fails, the client leaves or the settlement fails', async () => {
    for (const end of ['fails', 'leaves', 'is refused'] as const) {
      for (let round = 0; round < MOST; round += 1) {
        const before = siege.seen.length;
        const header = paying(await siege.sign('/after', { key }));
        if (end === 'fails') siege.answer((_req, res) => res.writeHead(500).end());
        else if (end === 'leaves') siege.answer(() => {});
        else siege.answer((_req, res) => res.end('served'));
        if (end === 'is refused') siege.facilitator?.next('settle', { kind: 'refuse', reason: 'insufficient_funds' });
        const peer = await siege.connect();
        peer.send(lastRequest('GET /after', [header]));
        await siege.asked(before + 1);
        if (end !== 'leaves') await peer.ended;
        peer.socket.destroy();
      }
    }
    siege.answer((_req, res) => res.end('served'));
    await expect.poll(async () => statusOf(await (await call()).answer)).toBe(200);
  });

  it('stop counting with the settlement, however long the answer takes', async () => {
    siege.answer((_req, res) => {
      const endless = new Readable({ read: () => endless.push(Buffer.alloc(16_384)) });
      endless.on('error', () => {}).pipe(res);
      res.on('close', () => endless.destroy());
    });
    const peers = [];
    for (let index = 0; index < MOST + 2; index += 1) {
      const peer = await siege.connect();
      peer.send(lastRequest('GET /after', [paying(await siege.sign('/after', { key }))]));
      expect(await peer.until('\r\n\r\n')).toContain(' 200 ');
      peer.socket.pause();
      peers.push(peer);
    }
    for (const peer of peers) peer.socket.destroy();
  });

  it('are not bounded where the settlement comes first', async () => {
    const all = await Promise.all(
      Array.from({ length: MOST + 2 }, async () => {
        const header = paying(await siege.sign('/before', { key }));
        return siege.ask(lastRequest('GET /before', [header]));
      }).map((answer, index) => {
        if (index === 0) void siege.asked(MOST + 2).then(release);
        return answer;
      }),
    );
    expect(all.map(statusOf)).toEqual(all.map(() => 200));
  });
});
