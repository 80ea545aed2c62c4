import type { RawPeer } from '../support/raw-http.ts';

/** How the end of a message's body is known (RFC 9112 §6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** An HTTP/1.x message in its parts, each as it was on the wire, in latin1. */
export interface Message {
  startLine: string;
  /** In order, in their own case; a value with the blanks around it. */
  headers: [name: string, value: string][];
  /** Everything after the head, chunk framing included. */
  payload: string;
  /** What the payload carries, without its framing. */
  readonly content: string;
  /** Lines of the trailer section. */
  trailers: readonly string[];
  framing: Framing;
}

/** Takes the next request from a connection. */
export async function takeRequest(peer: RawPeer, onHead?: (head: string) => void): Promise<Message> {
  return await takeMessage(peer, requestFraming, onHead);
}

/** Takes the next response, interim ones included, from a connection; `method` is that of its request. */
export async function takeResponse(peer: RawPeer, method: string): Promise<Message> {
  return await takeMessage(peer, (startLine, headers) => responseFraming(method, startLine, headers));
}

/** Replaces the trailer section of a chunked payload. */
export function withTrailers(payload: string, trailers: readonly string[]): string {
  const { length = 0, trailers: present = [] } = readChunks(payload) ?? {};
  const section = present.reduce((sum, line) => sum + line.length + 2, 2);
  return `${payload.slice(0, length - section)}${trailers.map((line) => `${line}\r\n`).join('')}\r\n`;
}

/** Values of one header, trimmed, whatever its case. */
export function valuesOf(headers: Message['headers'], name: string): string[] {
  return headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value.trim());
}

/** The message as bytes, in latin1. */
export function textOf({ startLine, headers, payload }: Message): string {
  return [startLine, ...headers.map(([name, value]) => `${name}:${value}`), '', payload].join('\r\n');
}

type FramingRule = (startLine: string, headers: Message['headers']) => Framing;

async function takeMessage(peer: RawPeer, rule: FramingRule, onHead?: (head: string) => void): Promise<Message> {
  const headBytes = await peer.take((bytes) => {
    const end = bytes.indexOf('\r\n\r\n');
    return end === -1 ? undefined : end + 4;
  });
  const head = headBytes.toString('latin1').slice(0, -4);
  onHead?.(head);
  const [startLine = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1)];
  });
  const framing = rule(startLine, headers);
  return { startLine, headers, framing, ...(await takeBody(peer, framing, headers)) };
}

async function takeBody(
  peer: RawPeer,
  framing: Framing,
  headers: Message['headers'],
): Promise<Pick<Message, 'payload' | 'content' | 'trailers'>> {
  if (framing === 'none') return { payload: '', content: '', trailers: [] };
  if (framing === 'chunked') {
    const bytes = await peer.take((received) => readChunks(received.toString('latin1'))?.length);
    const payload = bytes.toString('latin1');
    const { content = '', trailers = [] } = readChunks(payload) ?? {};
    return { payload, content, trailers };
  }
  const length = Number(valuesOf(headers, 'content-length')[0]);
  const bytes = await peer.take((received, over) => {
    if (framing === 'close') return over ? received.length : undefined;
    return received.length >= length ? length : undefined;
  });
  const payload = bytes.toString('latin1');
  return { payload, content: payload, trailers: [] };
}

function requestFraming(_startLine: string, headers: Message['headers']): Framing {
  if (valuesOf(headers, 'transfer-encoding').length > 0) return 'chunked';
  return Number(valuesOf(headers, 'content-length')[0] ?? 0) > 0 ? 'length' : 'none';
}

function responseFraming(method: string, startLine: string, headers: Message['headers']): Framing {
  const status = Number(startLine.split(' ')[1]);
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
  if (valuesOf(headers, 'transfer-encoding').some((value) => /\bchunked$/i.test(value))) return 'chunked';
  const [length] = valuesOf(headers, 'content-length');
  if (length === undefined) return 'close';
  return Number(length) > 0 ? 'length' : 'none';
}

/** Reads a chunked body from the front of `text`; `undefined` while its end has not arrived. */
function readChunks(text: string): { length: number; content: string; trailers: string[] } | undefined {
  let content = '';
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error(`no chunk size: ${JSON.stringify(text.slice(at, at + 80))}`);
    at = lineEnd + 2;
    if (size === 0) break;
    if (text.length < at + size + 2) return undefined;
    content += text.slice(at, at + size);
    at += size + 2;
  }
  const trailers: string[] = [];
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const line = text.slice(at, lineEnd);
    at = lineEnd + 2;
    if (line === '') return { length: at, content, trailers };
    trailers.push(line);
  }
}
