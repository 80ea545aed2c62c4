import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { GatewayError } from '../domain/gateway-error.ts';
import { awaitsContinue, type RequestHead } from '../domain/request-head.ts';
import { BodyLimit, bodyTooLarge } from './body-limit.ts';
import { GrowingBuffer, type Room } from './growing-buffer.ts';
import { askForBody, type BodyWatch, bodyOf, PACE_OF_UPLOADS, UploadBody } from './upload-body.ts';
import { BodyRefusedError } from './upstream-fault.ts';
import { type ReadingPace, readArriving, takeArrived } from './whole-body.ts';

/**
 * Bounds for the client of a body that is read before it is sent, in milliseconds: its longest silence, its total
 * delay, and the rate that earns it more time. Tighter than for a body on its way: this one takes memory.
 */
const PACE_OF_READING: ReadingPace = { silenceMs: 30_000, graceMs: 30_000, leastBytesPerSecond: 2000 };
/** The same for a body that is only shown to a watch, which takes no memory. */
const PACE_OF_PASSING: ReadingPace = { ...PACE_OF_UPLOADS, silenceMs: 60_000 };

/** A body on its way to the upstream. */
export interface Upload extends Readable {
  /** Whether the gateway could pass on more than the client has sent so far. */
  readonly waitsForClient: boolean;
}

/** Room in memory for one body, out of the room that all bodies share. */
export interface BodyHold extends Room {
  /** Releases all of it, and takes no more. May be called again. It needs no `this`. */
  readonly release: () => void;
}

/**
 * The body of a request. It is read only on demand: whole into memory, within a bound, or piece by piece on its way to
 * the upstream. A request without a body has no `RequestBody`.
 */
export interface RequestBody {
  /** What {@link read} has read: the bytes that the client sent. `undefined` before. */
  readonly held: Buffer | undefined;
  /** The bytes that go out instead, after {@link replaceWith}. */
  readonly replacement: Buffer | undefined;
  /**
   * Reads the whole body into memory, and keeps it until it was sent or the answer is over. A client that waits for
   * `100 Continue` gets it, unless it announces too many bytes. Another call gives the same bytes.
   *
   * @throws GatewayError `request_body_too_large`, `request_timeout`, `too_many_bodies`; and `ClientGoneError`
   */
  read(maxBytes: number): Promise<Buffer>;
  /**
   * Reads the body without waiting, where all of it has arrived; else `undefined`. Most bodies have arrived after
   * {@link A_TURN}.
   *
   * @throws GatewayError `request_body_too_large`, `too_many_bodies`; and `ClientGoneError`
   */
  readArrived(maxBytes: number): Buffer | undefined;
  /**
   * Sends other bytes in its place, in the framing of the client, with a corrected `Content-Length`. Only for a body
   * that was read. {@link held} does not change: a payment is bound to what its client sent.
   *
   * @throws GatewayError `too_many_bodies`
   */
  replaceWith(bytes: Buffer): void;
  /**
   * Begins to send it, once: byte for byte as it came, or its replacement; `undefined` where there is nothing to send.
   *
   * @param onProgress called for every piece that came from the client, and at the end
   * @param watch looks at a body as it passes; one that was read is not shown to it
   */
  open(onProgress: () => void, watch?: BodyWatch): Upload | undefined;
  /**
   * Shows the body to a watch without sending it. Resolves at its end.
   *
   * @throws GatewayError `request_body_too_large`, `request_timeout`; `BodyRefusedError` and `ClientGoneError`
   */
  pass(watch: BodyWatch): Promise<void>;
}

/** The bounds of a body from a connection. */
export interface BodyTerms {
  /** Longest body that is let through, in bytes. */
  readonly mostBytes: number | undefined;
  /** Begins to take memory for it. */
  hold(): BodyHold;
}

/** The body of a request that a server received; `undefined` when it has none. */
export function requestBodyOf(
  head: RequestHead,
  req: IncomingMessage,
  client: BodyClient,
  terms: BodyTerms,
): RequestBody | undefined {
  return bodyOf(head) === undefined ? undefined : new ReceivedBody(head, req, client, terms);
}

/** The client that sends a body. */
export interface BodyClient {
  /** The response to the client. */
  readonly res: ServerResponse;
  /** Calls the listener when the answer or the connection has ended; at once if it has ended before. */
  onOver(listener: () => void): void;
}

/** A body that is in memory already: that of a request without a connection of its own. */
export function bodyOfBytes(bytes: Buffer, framing: Framing = 'length'): RequestBody {
  return new KeptBody(bytes, framing);
}

type Framing = 'length' | 'chunked';

/** One turn after the head of a request: Node reports a head before it parses the bytes that came with it. */
export const A_TURN: Promise<void> = Promise.resolve();

/** A body in memory. */
class KeptBody implements RequestBody {
  readonly #framing: Framing;
  readonly #hold: BodyHold | undefined;
  readonly held: Buffer;
  #replacement: Buffer | undefined;

  constructor(bytes: Buffer, framing: Framing, hold?: BodyHold) {
    this.held = bytes;
    this.#framing = framing;
    this.#hold = hold;
  }

  get replacement(): Buffer | undefined {
    return this.#replacement;
  }

  async read(maxBytes: number): Promise<Buffer> {
    return this.readArrived(maxBytes);
  }

  readArrived(maxBytes: number): Buffer {
    if (this.held.length > maxBytes) throw bodyTooLarge(maxBytes);
    return this.held;
  }

  replaceWith(bytes: Buffer): void {
    if (this.#hold?.take(bytes.length) === false) throw new GatewayError('too_many_bodies');
    this.#replacement = bytes;
  }

  open(): Upload | undefined {
    const bytes = this.#replacement ?? this.held;
    if (bytes.length === 0 && this.#framing === 'length') return undefined;
    return new KeptUpload(bytes, this.#hold);
  }

  async pass(watch: BodyWatch): Promise<void> {
    const fault = watch.see(this.held);
    if (fault !== undefined) throw fault;
    if (!watch.mayEnd()) throw new BodyRefusedError();
  }
}

/** A body of a connection. It becomes a {@link KeptBody} when it is read. */
class ReceivedBody implements RequestBody {
  readonly #head: RequestHead;
  readonly #req: IncomingMessage;
  readonly #client: BodyClient;
  readonly #terms: BodyTerms;
  #reading: Promise<Buffer> | undefined;
  #read: KeptBody | undefined;

  constructor(head: RequestHead, req: IncomingMessage, client: BodyClient, terms: BodyTerms) {
    this.#head = head;
    this.#req = req;
    this.#client = client;
    this.#terms = terms;
  }

  get held(): Buffer | undefined {
    return this.#read?.held;
  }

  get replacement(): Buffer | undefined {
    return this.#read?.replacement;
  }

  read(maxBytes: number): Promise<Buffer> {
    if (this.#announcesOver(maxBytes)) return Promise.reject(bodyTooLarge(maxBytes));
    if (this.#read !== undefined) return this.#read.read(maxBytes);
    if (this.#reading !== undefined) return this.#readAgain(this.#reading, maxBytes);
    this.#reading = this.#keep(maxBytes);
    return this.#reading;
  }

  readArrived(maxBytes: number): Buffer | undefined {
    if (this.#announcesOver(maxBytes)) throw bodyTooLarge(maxBytes);
    if (this.#read !== undefined) return this.#read.readArrived(maxBytes);
    const arrived = this.#reading === undefined ? takeArrived(this.#req) : undefined;
    if (arrived === undefined) return undefined;
    const hold = this.#terms.hold();
    const body = this.#inMemory(maxBytes, hold);
    const fault = body.see(arrived);
    if (fault === undefined) return this.#kept(body, hold);
    hold.release();
    throw fault;
  }

  replaceWith(bytes: Buffer): void {
    if (this.#read === undefined) throw new Error('a body that was not read cannot be replaced');
    this.#read.replaceWith(bytes);
  }

  open(onProgress: () => void, watch?: BodyWatch): Upload | undefined {
    if (this.#read !== undefined) return this.#read.open();
    if (this.#reading !== undefined) throw new Error('a body that is being read cannot be sent');
    const { mostBytes } = this.#terms;
    // A length that was announced was checked when the request was accepted.
    const isLimited = mostBytes !== undefined && this.#framing === 'chunked';
    return new UploadBody(this.#req, onProgress, {
      watch: isLimited ? new BodyLimit(mostBytes, watch) : watch,
      continueTo: this.#continueTo,
    });
  }

  async pass(watch: BodyWatch): Promise<void> {
    await this.#reading;
    if (this.#read !== undefined) return await this.#read.pass(watch);
    const { mostBytes } = this.#terms;
    await this.#asked();
    await this.#show(mostBytes === undefined ? watch : new BodyLimit(mostBytes, watch), PACE_OF_PASSING);
    if (!watch.mayEnd()) throw new BodyRefusedError();
  }

  get #framing(): Framing {
    return this.#head.headers['transfer-encoding'] === undefined ? 'length' : 'chunked';
  }

  get #continueTo(): ServerResponse | undefined {
    return awaitsContinue(this.#head) ? this.#client.res : undefined;
  }

  async #readAgain(reading: Promise<Buffer>, maxBytes: number): Promise<Buffer> {
    const bytes = await reading;
    if (bytes.length > maxBytes) throw bodyTooLarge(maxBytes);
    return bytes;
  }

  async #keep(maxBytes: number): Promise<Buffer> {
    const hold = this.#terms.hold();
    const body = this.#inMemory(maxBytes, hold);
    try {
      await this.#asked();
      const arriving = this.#show(body, PACE_OF_READING);
      if (arriving !== undefined) await arriving;
    } catch (fault) {
      hold.release();
      throw fault;
    }
    return this.#kept(body, hold);
  }

  #announcesOver(bytes: number): boolean {
    return Number(this.#head.headers['content-length']) > bytes;
  }

  #inMemory(maxBytes: number, hold: BodyHold): BodyInMemory {
    const { mostBytes = maxBytes } = this.#terms;
    return new BodyInMemory(Math.min(maxBytes, mostBytes), hold);
  }

  #kept({ bytes }: BodyInMemory, hold: BodyHold): Buffer {
    this.#client.onOver(hold.release);
    this.#read = new KeptBody(bytes, this.#framing, hold);
    return bytes;
  }

  /** Asks the client for the body, and waits a turn. */
  #asked(): Promise<void> {
    askForBody(this.#continueTo);
    return A_TURN;
  }

  /** Shows all of it to a watch; `undefined` where all of it had arrived, and there is nothing to wait for. */
  #show(watch: BodyWatch, pace: ReadingPace): Promise<void> | undefined {
    const arrived = takeArrived(this.#req);
    if (arrived === undefined) return readArriving(this.#req, watch, pace);
    const fault = watch.see(arrived);
    if (fault !== undefined) throw fault;
    return undefined;
  }
}

/** Takes the pieces of a body into memory; ends it where it grows over its limit, or there is no room. */
class BodyInMemory extends GrowingBuffer implements BodyWatch {
  readonly #mostBytes: number;

  constructor(mostBytes: number, room: BodyHold) {
    super(mostBytes, room);
    this.#mostBytes = mostBytes;
  }

  see(chunk: Buffer): GatewayError | undefined {
    if (this.length + chunk.length > this.#mostBytes) return bodyTooLarge(this.#mostBytes);
    return this.append(chunk) ? undefined : new GatewayError('too_many_bodies');
  }

  mayEnd(): boolean {
    return true;
  }
}

/**
 * A body in memory on its way to the upstream. It is a stream, because undici would measure a buffer and choose the
 * framing.
 */
class KeptUpload extends Readable implements Upload {
  readonly waitsForClient = false;
  readonly #bytes: Buffer;
  readonly #hold: BodyHold | undefined;
  #begun = false;

  constructor(bytes: Buffer, hold: BodyHold | undefined) {
    super();
    this.#bytes = bytes;
    this.#hold = hold;
    this.on('error', () => {});
  }

  override _read(): void {
    if (this.#begun) return;
    this.#begun = true;
    if (this.#bytes.length > 0) this.push(this.#bytes);
    // undici reads once before it looks for a length: the end must not be there yet.
    process.nextTick(() => this.push(null));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#hold?.release();
    callback(error);
  }
}
