import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare, DIFFERENCE_IDS, INTERIM } from './compare.ts';
import { converse, type RawRequest } from './conversation.ts';
import { HOST } from './encounter.ts';
import { ENCOUNTERS } from './encounters.ts';
import { type Message, valuesOf } from './message.ts';
import { openRecordingUpstream, type RecordingUpstream } from './recording-upstream.ts';
import { openScene, type Scene } from './scene.ts';

/**
 * Every request is sent twice, byte for byte the same: to the upstream directly, and through the gateway. What the
 * upstream received and what the client received have to be the same both times, save for what `docs/http.md` lists.
 */

let upstream: RecordingUpstream;
let scene: Scene;
const used = new Set<string>();

beforeAll(async () => {
  upstream = await openRecordingUpstream();
  scene = await openScene(`http://127.0.0.1:${upstream.port}`);
});
afterAll(async () => {
  await scene.close();
  await upstream.close();
});

describe('a request and its answer', () => {
  it('come in several hundred kinds, no two of one name', () => {
    expect(new Set(ENCOUNTERS.map(({ name }) => name)).size).toBe(ENCOUNTERS.length);
    expect(ENCOUNTERS.length).toBeGreaterThan(300);
  });

  it.each(ENCOUNTERS)('pass as if the gateway were not there: $name', async (encounter) => {
    const payment = encounter.route === 'free' ? undefined : await scene.pay(`/${encounter.route}/x`);
    const request = withHeader(encounter.request, payment?.header);
    upstream.script(encounter.script);
    const direct = await converse(upstream.port, request, false);
    const directlySeen = lastSeen();
    const through = await converse(scene.port, request, true);
    const seen = lastSeen();

    const status = Number(through.response.startLine.split(' ')[1]);
    const meeting = {
      method: request.method,
      minorVersion: / HTTP\/1\.0\r\n/.test(request.head) ? 0 : 1,
      host: HOST,
      upstreamAuthority: `127.0.0.1:${upstream.port}`,
      paid: payment?.facts,
      charged: payment !== undefined && (encounter.route === 'before' || (status >= 200 && status < 300)),
      fromPage: payment !== undefined && /^origin:/im.test(request.head),
    } as const;
    const toApi = compare('request', directlySeen, { ...meeting, actual: seen });
    const toClient = compare('answer', direct.response, { ...meeting, actual: through.response });
    for (const id of [...toApi.used, ...toClient.used]) used.add(id);
    expect(seen).not.toBe(directlySeen);
    expect(toApi.actual).toBe(toApi.expected);
    expect(toClient.actual).toBe(toClient.expected);
    const relayed = direct.interim.filter((each) => encounter.route !== 'after' || statusOf(each) === '100');
    if (relayed.length < direct.interim.length) used.add(INTERIM);
    expect(through.interim.map(hintOf)).toEqual(relayed.map(hintOf));
    expect(through.reusable).toBe(keepsConnection(request, through.response));
  });
});

describe('the list of differences', () => {
  it.each(DIFFERENCE_IDS)('has no entry that never happens: %s', (id) => {
    expect(used).toContain(id);
  });
});

function lastSeen(): Message {
  const seen = upstream.seen.at(-1);
  if (seen === undefined) throw new Error('the upstream was not asked');
  return seen;
}

function withHeader(request: RawRequest, line: string | undefined): RawRequest {
  return line === undefined ? request : { ...request, head: request.head.replace(/\r\n\r\n$/, `\r\n${line}\r\n\r\n`) };
}

/** What an interim answer says; its reason phrase is the usual one. */
function hintOf(message: Message): readonly string[] {
  return [statusOf(message), ...message.headers.map(([name, value]) => `${name}:${value}`)];
}

function statusOf({ startLine }: Message): string {
  return startLine.split(' ')[1] ?? '';
}

/** A connection ends if the client asks for it, or if a client of HTTP/1.0 is not told a length. */
function keepsConnection({ head }: RawRequest, { headers }: Message): boolean {
  if (/\r\nconnection: *close/i.test(head)) return false;
  return (
    / HTTP\/1\.1\r\n/.test(head) ||
    (/\r\nconnection: *keep-alive/i.test(head) && valuesOf(headers, 'content-length').length === 1)
  );
}
