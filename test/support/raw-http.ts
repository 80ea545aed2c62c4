import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** One side of a TCP connection that speaks HTTP in bytes: what it sends is sent as it is, what it gets is kept. */
export class RawPeer {
  readonly socket: Socket;
  /** Resolves with everything received, once the other side has ended or broken the connection. */
  readonly ended: Promise<Buffer>;
  /** Whether the connection ended with an error, such as a reset. Known when {@link ended} has resolved. */
  broken = false;
  #chunks: Buffer[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      for (const check of this.#waiting) check();
    });
    socket.on('error', () => {
      this.broken = true;
    });
    this.ended = new Promise((resolve) => {
      const done = (): void => {
        for (const check of this.#waiting) check();
        resolve(this.received);
      };
      socket.once('end', done);
      socket.once('close', done);
    });
  }

  /** Everything received so far. */
  get received(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  /** Writes text as latin1, or bytes. Lines of a template end in CRLF already. */
  send(data: string | Buffer): void {
    if (typeof data === 'string') this.socket.write(data, 'latin1');
    else this.socket.write(data);
  }

  /** Sends a byte more, unless the other side has refused an earlier one: it has given the connection up then. */
  pushOn(): 'sent' | 'refused' {
    if (this.broken) return 'refused';
    this.socket.write('x');
    return 'sent';
  }

  /** Waits until `marker` has been received, and gives everything received until then; rejects if it never comes. */
  async until(marker: string): Promise<string> {
    if (!this.received.includes(marker, 0, 'latin1')) {
      await new Promise<void>((resolve, reject) => {
        const check = (): void => {
          if (this.received.includes(marker, 0, 'latin1')) resolve();
          else if (this.socket.readableEnded || this.socket.destroyed) {
            reject(
              new Error(`the connection ended before ${JSON.stringify(marker)}: ${this.received.toString('latin1')}`),
            );
          } else return;
          this.#waiting.delete(check);
        };
        this.#waiting.add(check);
        check();
      });
    }
    return this.received.toString('latin1');
  }

  /**
   * Waits until `lengthOf` finds a length in what was received, and takes so many bytes from the front of it. It is asked
   * at every arrival and at the end; rejects if the connection is over and it finds none.
   */
  async take(lengthOf: (received: Buffer, over: boolean) => number | undefined): Promise<Buffer> {
    const taken = Promise.withResolvers<Buffer>();
    const check = (): void => {
      const over = this.socket.readableEnded || this.socket.destroyed;
      const { received } = this;
      const length = lengthOf(received, over);
      if (length === undefined && !over) return;
      this.#waiting.delete(check);
      if (length === undefined) {
        taken.reject(new Error(`the connection ended after ${JSON.stringify(received.toString('latin1', 0, 500))}`));
        return;
      }
      this.#chunks = [received.subarray(length)];
      taken.resolve(received.subarray(0, length));
    };
    this.#waiting.add(check);
    check();
    return await taken.promise;
  }

  /** Forgets what was received. */
  clear(): void {
    this.#chunks = [];
  }
}

/** Connects to a port on loopback. */
export async function connectRaw(port: number, localAddress?: string): Promise<RawPeer> {
  const socket = connect({ port, host: '127.0.0.1', ...(localAddress !== undefined && { localAddress }) });
  await once(socket, 'connect');
  return new RawPeer(socket);
}

/** The same, for a client that leaves its half open when the other side has ended its own. */
export async function clingRaw(port: number): Promise<RawPeer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return new RawPeer(socket);
}

/** Sends one request whose response ends with its connection, and gives the parsed response. */
export async function exchangeRaw(port: number, request: string | Buffer): Promise<RawResponse> {
  const peer = await connectRaw(port);
  peer.send(request);
  const response = parseRaw(await peer.ended);
  peer.socket.destroy();
  return response;
}

/** A response in its parts, as it was on the wire. */
export interface RawResponse {
  readonly statusLine: string;
  /** In order, in their own case, repeated ones repeated. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** After the head, chunk framing included. */
  readonly body: Buffer;
  /** Values of one header, whatever its case. */
  all(name: string): string[];
}

/** Splits a response into its parts. */
export function parseRaw(bytes: Buffer): RawResponse {
  const end = bytes.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end === -1 ? bytes.length : end).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return {
    statusLine,
    headers,
    body: end === -1 ? Buffer.alloc(0) : bytes.subarray(end + 4),
    all: (name) => headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value),
  };
}

/** Text with CRLF line ends, for heads written over several lines. */
export function crlf(lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n`;
}
