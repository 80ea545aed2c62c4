import type { Readable } from 'node:stream';
import type { Room } from './growing-buffer.ts';
import type { BodyWatch } from './upload-body.ts';

/** A body on its way to the upstream. */
export interface Upload extends Readable {
  /** Whether the gateway could pass on more than the client has sent so far. */
  readonly waitsForClient: boolean;
  /** Whether it is certain that its end was not passed on yet. */
  readonly lacksEnd: boolean;
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
/** One turn after the head of a request: Node reports a head before it parses the bytes that came with it. */
export const A_TURN: Promise<void> = Promise.resolve();
