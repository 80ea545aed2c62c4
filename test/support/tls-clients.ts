import { once } from 'node:events';
import http2, {
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SessionOptions,
} from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { Agent, fetch as undiciFetch } from 'undici';
import { UPSTREAM_TEST } from './upstream-certificate.ts';

/** The certificate of tests as the value of `tls` in a configuration text. */
export const TLS_SETTING = `tls: { cert: ${JSON.stringify(UPSTREAM_TEST.cert)}, key: ${JSON.stringify(UPSTREAM_TEST.key)} }`;

const TRUST = { ca: UPSTREAM_TEST.cert, servername: 'upstream.test' };

/** A `fetch` that trusts the certificate of tests, and offers HTTP/2 or does not. */
export function fetchOverTls(allowH2: boolean): { readonly fetch: typeof fetch; close(): Promise<void> } {
  const dispatcher = new Agent({ allowH2, connect: TRUST });
  const ask = (input: unknown, init: object = {}): Promise<unknown> =>
    input instanceof Request ? askWith(input, dispatcher) : undiciFetch(String(input), { ...init, dispatcher });
  return { fetch: ask as typeof fetch, close: () => dispatcher.destroy() };
}

/** The global `Request` is of Node's own undici, which ours does not read. */
async function askWith(request: Request, dispatcher: Agent): Promise<unknown> {
  const { method, url } = request;
  const headers = [...request.headers].map(([name, value]): [string, string] => [name, value]);
  const body = request.body === null ? null : await request.arrayBuffer();
  return await undiciFetch(url, { method, headers, body, dispatcher });
}

/** A TLS connection that has agreed upon a protocol. @param below the connection of TCP where the test has one */
export async function connectOverTls(
  port: number,
  protocol: 'h2' | 'http/1.1',
  below: Socket = connectTcp(port, '127.0.0.1'),
): Promise<TLSSocket> {
  const socket = connect({ socket: below, ...TRUST, ALPNProtocols: [protocol] });
  await once(socket, 'secureConnect');
  return socket;
}

/** An HTTP/2 session with a gateway. @param settings what the client bounds answers by */
export function openHttp2(port: number, settings: SessionOptions = {}): ClientHttp2Session {
  return http2.connect(`https://127.0.0.1:${port}`, { ...TRUST, ...settings }).on('error', () => {});
}

/** A whole answer on HTTP/2; `reset` is the error code where it was broken off. */
export interface Http2Answer {
  readonly headers: IncomingHttpHeaders;
  readonly hints: readonly IncomingHttpHeaders[];
  readonly trailers: IncomingHttpHeaders | undefined;
  readonly body: string;
  readonly reset: number;
}

/** Sends one request and waits for its end. */
export async function askHttp2(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders | readonly string[],
  body?: string,
): Promise<Http2Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  const chunks: Buffer[] = [];
  const hints: IncomingHttpHeaders[] = [];
  let answer: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders | undefined;
  stream.on('headers', (hint) => hints.push(hint));
  stream.on('response', (head) => {
    answer = head;
  });
  stream.on('trailers', (fields) => {
    trailers = fields;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => {});
  if (body !== undefined) stream.end(body);
  await new Promise((resolve) => stream.once('close', resolve));
  return { headers: answer, hints, trailers, body: Buffer.concat(chunks).toString(), reset: stream.rstCode ?? 0 };
}
