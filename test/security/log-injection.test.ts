import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openQueueOf } from './odd-answers.ts';
import { lastRequest, laySiege, paying, request, type Siege, statusOf } from './siege.ts';

/** Log lines hold only data: one line per request, no forged lines, and no terminal control characters. */

let siege: Siege;

beforeAll(async () => {
  siege = await laySiege(`
routes:
  - { path: /paid/*, price: $0.01 }
  - { path: /*, price: free }
`);
});
afterAll(async () => await siege.close());

/** A line break and a forged line, a terminal's colours and title, an 8-bit CSI, right-to-left override, a tag. */
const EVIL = 'x\n{"level":30,"msg":"request","outcome":"paid"}\x1b[31m\x1b]0;t\x07\u009b31m\u202e<script>';

/** Every text in the lines since then, as a program that shows them would decode it. */
function textsSince(count: number): string[] {
  return siege.gateway.log
    .slice(count)
    .flatMap((line) => Object.values(line).filter((value) => typeof value === 'string'));
}

/** What moves a cursor, ends a line or turns text around. */
const HARMFUL = /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u;

async function expectHarmless(ask: () => Promise<unknown>, lines = 1): Promise<void> {
  const before = siege.gateway.log.length;
  await ask();
  await expect.poll(() => siege.gateway.log.length).toBeGreaterThanOrEqual(before + lines);
  for (const text of textsSince(before)) expect(text).not.toMatch(HARMFUL);
}

describe('a request with text for a log injection', () => {
  it.each([
    ['in its path', `GET /free/${encodeURI(EVIL).replaceAll('%0A', '%0a')}`],
    ['in its query', `GET /free/?${encodeURIComponent(EVIL)}`],
    ['in raw bytes of its path', 'GET /free/\xe2\x80\xae\x9b31m'],
    ['in its method', 'G\x1b[31mET /free'],
    ['in its version', 'GET /free HTTP/1.1\x1b[31m'],
  ])('%s leaves none of it in the log', async (_name, line) => {
    const peer = await siege.connect();
    peer.send(lastRequest(line));
    await peer.ended;
    for (const text of textsSince(0)) expect(text).not.toMatch(HARMFUL);
    expect(JSON.stringify(siege.gateway.log)).not.toContain('[31m');
  });

  it('in its headers leaves none of it in the log', async () => {
    const bytes = Buffer.from('\u009b31m\u202e<script>', 'utf8').toString('latin1');
    await expectHarmless(async () => {
      const names = ['User-Agent', 'Referer', 'X-Forwarded-For', 'X-Request-Id', 'Cookie', 'Origin'];
      await siege.ask(
        lastRequest(
          'GET /free',
          names.map((name) => `${name}: ${bytes}`),
        ),
      );
    });
  });

  it('in the fields of a payment leaves none of it in the log', async () => {
    const payment = await siege.sign('/paid/x');
    for (const parts of [
      { ...payment, accepted: { ...payment.accepted, scheme: EVIL, network: EVIL } },
      { ...payment, accepted: { ...payment.accepted, [EVIL]: EVIL } },
      { ...payment, resource: { url: EVIL } },
      { ...payment, authorization: { ...payment.authorization, from: EVIL } },
      { ...payment, signature: EVIL as `0x${string}` },
    ]) {
      await expectHarmless(() => siege.ask(lastRequest('GET /paid/x', [paying(parts)])));
    }
  });
});

describe('text for a log injection', () => {
  it.each(['verify', 'settle'] as const)('does not reach the log in a facilitator’s reason at %s', async (endpoint) => {
    const payment = await siege.sign('/paid/x');
    siege.facilitator?.next(endpoint, { kind: 'refuse', reason: EVIL });
    // One line with the facilitator's reason, and one for the request.
    await expectHarmless(() => siege.ask(lastRequest('GET /paid/x', [paying(payment)])), 2);
  });

  it('does not reach the log in the answer of an API', async () => {
    const odd = await openQueueOf(`HTTP/1.1 200 ${'\x1b[31m'}\r\nX: ${'\x1b'}]0;t${'\x07'}\r\n\r\n`);
    const behind = await laySiege(`\nroutes:\n  - { path: /*, price: free, upstream: "${odd.url}" }\n`);
    const peer = await behind.connect();
    peer.send(request('GET /x', ['Connection: close']));
    await peer.ended;
    for (const line of behind.gateway.log) expect(Object.values(line).join()).not.toMatch(HARMFUL);
    await behind.close();
    await odd.close();
  });
});

it('serves requests after all these attacks', async () => {
  expect(statusOf(await siege.ask(lastRequest('GET /free')))).toBe(200);
});
