import type { RawRequest } from './conversation.ts';
import type { Script } from './recording-upstream.ts';

/** Where a request goes: the free route, or a priced one of a settle mode. */
export type RouteKind = 'free' | 'after' | 'before';

/** One request and its answer, to be exchanged with the upstream directly and through the gateway. */
export interface Encounter {
  readonly name: string;
  readonly request: RawRequest;
  readonly script: Script;
  readonly route: RouteKind;
}

/** The parts of a request; what is left out is usual. */
export interface RequestParts {
  readonly method?: string;
  /** Below the route, with its `/`; or a whole target that does not begin with one. */
  readonly target?: string;
  readonly version?: '1.0' | '1.1';
  /** Lines without their ends, after `Host`. */
  readonly headers?: readonly string[];
  readonly body?: Body;
}

/** A body with the headers that frame it. */
export interface Body {
  readonly name: string;
  readonly headers: readonly string[];
  readonly bytes: string;
}

/** The host that clients of the suite ask for. */
export const HOST = 'api.test';

export const NO_BODY: Body = { name: 'no body', headers: [], bytes: '' };

/** A body of a stated length. */
export function sized(name: string, bytes: string, ...headers: readonly string[]): Body {
  return { name, headers: [...headers, `Content-Length: ${bytes.length}`], bytes };
}

/** A body in chunks as they are given; `trailers` are lines. */
export function chunked(name: string, chunks: readonly string[], trailers: readonly string[] = []): Body {
  return { name, headers: ['Transfer-Encoding: chunked'], bytes: chunksOf(chunks, trailers) };
}

/** Chunks and the end of them, as they are on the wire. */
export function chunksOf(chunks: readonly string[], trailers: readonly string[] = []): string {
  const wire = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
  return `${wire}0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`;
}

/** Writes a request for a route. */
export function requestFor(route: RouteKind, parts: RequestParts): RawRequest {
  const { method = 'GET', target = '/x', version = '1.1', headers = [], body = NO_BODY } = parts;
  const whole = target.startsWith('/') ? `/${route}${target}` : target;
  const lines = [`${method} ${whole} HTTP/${version}`, `Host: ${HOST}`, ...headers, ...body.headers];
  return { method, head: `${lines.join('\r\n')}\r\n\r\n`, body: body.bytes };
}

/** Writes an answer: a status line without its version, header lines, a payload as it is. */
export function answer(status: string, headers: readonly string[], payload = '', version = '1.1'): Script {
  const bytes = `${[`HTTP/${version} ${status}`, ...headers].join('\r\n')}\r\n\r\n${payload}`;
  return { bytes, closes: false };
}

/** As {@link answer}, with a body that ends with its connection. */
export function closingAnswer(status: string, headers: readonly string[], payload: string, version = '1.1'): Script {
  return { ...answer(status, headers, payload, version), closes: true };
}

/** The answer where the request is what matters. */
export const PLAIN_ANSWER = answer('200 OK', ['Content-Type: text/plain', 'Content-Length: 5'], 'plain');

/** 100 KB that compress badly and hold every byte, line ends and `0\r\n\r\n` among them. */
export const LARGE = Array.from({ length: 100 * 1024 }, (_, index) =>
  String.fromCharCode(((index * 2_654_435_761) >>> 13) & 0xff),
).join('');

/** Every byte there is. */
export const ALL_BYTES = String.fromCharCode(...Array(256).keys());
