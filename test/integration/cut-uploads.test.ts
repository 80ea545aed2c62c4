import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import { codeOf, lastRequest, laySiege, paying, request, type Siege, statusOf } from '../security/siege.ts';

/** A buyer whose connection breaks during an upload that is paid already. */

let siege: Siege;
const store = openMemoryLedger();
const seen: { at: 'begun' | 'cut' | 'whole' }[] = [];

beforeAll(async () => {
  siege = await laySiege(
    `
routes:
  - { path: /before, methods: [POST], price: $0.01, settle: before }
  - { path: /kept, methods: [POST], price: $0.01, settle: before, keepAnswers: { size: 64KB } }
`,
    { opened: store },
  );
  siege.answer((req, res) => {
    const call: (typeof seen)[number] = { at: 'begun' };
    seen.push(call);
    req.on('error', () => {
      call.at = 'cut';
    });
    req.on('end', () => {
      call.at = 'whole';
      if (req.headers['x-stay-silent'] === undefined) res.end('served');
    });
  });
});
afterAll(async () => await siege.close());

const HALF = 'x'.repeat(40_000);
const settled = (): number =>
  siege.facilitator?.requests.filter(({ endpoint }) => endpoint === 'settle').length ?? Number.NaN;

/** The states of payments whose answers are under way. */
async function openPayments(): Promise<string[]> {
  const states = (await store.list({}, undefined, 50)).map(({ state }) => state);
  return states.filter((state) => state !== 'delivered' && state !== 'undelivered');
}

/** Sends half of an upload, and leaves once the API has begun to get it. */
async function uploadHalf(path: string, head: readonly string[], frame: (part: string) => string): Promise<void> {
  const before = siege.seen.length;
  const peer = await siege.connect();
  peer.send(request(`POST ${path}`, head, frame(HALF)));
  // The last part that came is held back: what it is the end of is not known yet.
  const more = setInterval(() => peer.send(frame('x')), 5);
  await siege.asked(before + 1);
  clearInterval(more);
  peer.socket.destroy();
  await expect.poll(openPayments).toEqual([]);
  expect(seen.at(-1)?.at).toBe('cut');
}

describe.each(['/before', '/kept'])('an upload to %s that breaks off after it was paid', (path) => {
  it.each([
    ['with a length', 'Content-Length: 100000', (part: string) => part],
    ['in chunks', 'Transfer-Encoding: chunked', (part: string) => `${part.length.toString(16)}\r\n${part}\r\n`],
  ])('%s is no request: the same payment buys the whole one', async (_how, framing, frame) => {
    const before = settled();
    const payment = paying(await siege.sign(path, { method: 'POST' }));
    await uploadHalf(path, [payment, framing], frame);
    const whole = lastRequest(`POST ${path}`, [payment, 'Content-Length: 3'], 'abc');
    expect(statusOf(await siege.ask(whole))).toBe(200);
    expect(settled()).toBe(before + 1);
    expect(codeOf(await siege.ask(whole))).toBe('payment_already_used');
  });

  it('is taken five times at most for one payment', async () => {
    const payment = paying(await siege.sign(path, { method: 'POST' }));
    const head = [payment, 'Content-Length: 100000'];
    for (let attempt = 0; attempt < 5; attempt++) await uploadHalf(path, head, (part) => part);
    const whole = lastRequest(`POST ${path}`, [payment, 'Content-Length: 3'], 'abc');
    expect(codeOf(await siege.ask(whole))).toBe('delivery_expired');
  });
});

it('a call whose upload was whole may have run, and is not made again', async () => {
  const payment = paying(await siege.sign('/before', { method: 'POST' }));
  const peer = await siege.connect();
  peer.send(request('POST /before', [payment, 'Content-Length: 3', 'X-Stay-Silent: 1'], 'abc'));
  await expect.poll(() => seen.at(-1)?.at).toBe('whole');
  peer.socket.destroy();
  const again = lastRequest('POST /before', [payment, 'Content-Length: 3'], 'abc');
  await expect.poll(async () => codeOf(await siege.ask(again))).toBe('delivery_unknown');
});
