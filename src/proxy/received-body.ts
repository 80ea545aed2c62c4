import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError } from '../domain/gateway-error.ts';
import { awaitsContinue, type RequestHead } from '../domain/request-head.ts';
import { BodyLimit, bodyTooLarge } from './body-limit.ts';
import { GrowingBuffer } from './growing-buffer.ts';
import { type Framing, KeptBody } from './kept-body.ts';
import { A_TURN, type BodyHold, type RequestBody, type Upload } from './request-body.ts';
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
