import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connectOverTls } from './tls-clients.ts';

/** Types of frames (RFC 9113 §6). */
export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
export const GOAWAY = 7;
const WINDOW_UPDATE = 8;

export const END_STREAM = 1;
export const END_HEADERS = 4;
const ACK = 1;

/** A frame as it was received. */
export interface Http2Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Frames by hand, for what no client library would send. */
export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Header fields without compression (RFC 7541 §6.2.2). */
export function fields(pairs: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string): Buffer => Buffer.concat([lengthOf(value), Buffer.from(value, 'latin1')]);
  return Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** The length of a text in seven bits, or in as many more bytes as it takes (RFC 7541 §5.1). */
function lengthOf({ length }: string): Buffer {
  if (length < 127) return Buffer.from([length]);
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push(128 + (rest % 128));
  return Buffer.from([...bytes, rest]);
}

/** What a client sends first. */
export const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(SETTINGS, 0, 0, Buffer.alloc(0)),
]);

/** The head of a request. */
export function requestHead(stream: number, method: string, path: string, end: 'with a body' | 'whole'): Buffer {
  const head: readonly (readonly [string, string])[] = [
    [':method', method],
    [':scheme', 'https'],
    [':authority', 'gw.test'],
    [':path', path],
  ];
  return frame(HEADERS, end === 'whole' ? END_HEADERS | END_STREAM : END_HEADERS, stream, fields(head));
}

/** A reset of a stream. */
export function reset(stream: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame(RST_STREAM, 0, stream, payload);
}

/** Allows so many more bytes, on a stream or with 0 on the connection. */
export function windowUpdate(stream: number, bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(WINDOW_UPDATE, 0, stream, payload);
}

/** A client of HTTP/2 that sends frames as it is told, and keeps those it gets. */
export class Http2Peer {
  readonly socket: TLSSocket;
  /** The connection below. */
  readonly tcp: Socket;
  readonly frames: Http2Frame[] = [];
  /** Resolves when the gateway has ended or broken the connection. */
  readonly ended: Promise<void>;
  readonly #waiting = new Set<() => void>();
  #rest = Buffer.alloc(0);
  #over = false;

  constructor(socket: TLSSocket, tcp: Socket) {
    this.socket = socket;
    this.tcp = tcp;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      const done = (): void => {
        this.#over = true;
        this.#tell();
        resolve();
      };
      socket.once('end', done).once('close', done);
    });
    socket.write(PREFACE);
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The first frame that fits, once it has come; rejects where the connection ends before. */
  async until(fits: (frame: Http2Frame) => boolean): Promise<Http2Frame> {
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined) return found;
      if (this.#over) throw new Error(`the connection ended after frames ${this.frames.map(({ type }) => type)}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Resolves when the gateway has handled what was sent, so often as its answers take ways of their own. */
  async settle(rounds = 1): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const before = this.#pongs;
      this.send(frame(PING, 0, 0, Buffer.alloc(8)));
      await this.until(() => this.#pongs > before);
    }
  }

  /** Uploads on a stream until the gateway takes no more. */
  async uploadUntilStalled(stream: number): Promise<void> {
    const chunk = frame(DATA, 0, stream, Buffer.alloc(16_000, 'x'));
    await this.settle();
    // What it allows at first, and what it has allowed since (RFC 9113 §6.9). The connection's window is larger.
    let sent = 0;
    for (let still = 0; still < 20; still++) {
      const allowed = STREAM_WINDOW + this.#allowed(stream) - sent;
      const chunks = Math.floor(allowed / 16_000);
      if (chunks > 0) still = 0;
      for (let count = 0; count < chunks; count++) this.send(chunk);
      sent += chunks * 16_000;
      await this.settle();
    }
  }

  get #pongs(): number {
    return this.frames.filter(({ type, flags }) => type === PING && flags === ACK).length;
  }

  #allowed(stream: number): number {
    return this.frames
      .filter((each) => each.type === WINDOW_UPDATE && each.stream === stream)
      .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9 && this.#rest.length >= 9 + this.#rest.readUIntBE(0, 3)) {
      const end = 9 + this.#rest.readUIntBE(0, 3);
      const type = this.#rest.readUInt8(3);
      const payload = this.#rest.subarray(9, end);
      this.frames.push({ type, flags: this.#rest.readUInt8(4), stream: this.#rest.readUInt32BE(5), payload });
      // The gateway's windows are larger than the usual ones, once they are acknowledged.
      if (type === SETTINGS && this.#rest.readUInt8(4) !== ACK) this.send(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
      this.#rest = this.#rest.subarray(end);
    }
    this.#tell();
  }

  #tell(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** How much of a body the gateway takes ahead, in bytes. */
const STREAM_WINDOW = 256 * 1024;

/** Connects to a gateway, and begins to speak HTTP/2. */
export async function connectHttp2(port: number): Promise<Http2Peer> {
  const tcp = connect(port, '127.0.0.1');
  return new Http2Peer(await connectOverTls(port, 'h2', tcp), tcp);
}
