import type { ServerResponse } from 'node:http';
import type { AnswerOutlet } from './answer-outlet.ts';
import type { CallPlace } from './call-room.ts';
import type { Departure } from './client-departure.ts';
import type { PaymentFields } from './headers/payment-fields.ts';
import type { Passage } from './passage.ts';
import type { RequestBody } from './request-body.ts';
import type { BodyWatch } from './upload-body.ts';

/** A request as it goes to the upstream. */
export interface ForwardRequest {
  readonly method: string;
  /** Canonical path and query, rewritten; the server's base path is put before it. */
  readonly path: string;
  /** Flat list of names and values from `forwardRequestHeaders`. */
  readonly headers: string[];
  readonly body: RequestBody | undefined;
  /** Looks at the body as it passes. */
  readonly watch?: BodyWatch | undefined;
  /** Taken for this call, and given back when it needs no connection any more. */
  readonly place: CallPlace;
  /** The fields of the payment protocols: the upstream cannot forge them. */
  readonly fields: PaymentFields;
  /** The client's response, where informational responses (102, 103) may go to it at once. */
  readonly hintsTo?: ServerResponse | undefined;
  /**
   * How long the upstream may keep the gateway waiting for its response headers, in milliseconds: queueing and
   * connecting count, waiting for the client's upload does not, which is bounded by {@link CLIENT_STALL_MS}.
   */
  readonly timeoutMs: number;
  /**
   * The connection that it goes on, a kept one by default. The server may close a kept one while the request is written on
   * it: what must not be sent twice would be lost.
   */
  readonly connection?: 'kept' | 'new';
  /** Ends the exchange when the client goes away; without it the exchange goes on. */
  readonly departure?: Departure | undefined;
}

/** How relaying a response ended. */
export type RelayOutcome =
  /** The whole response was handed to the client's connection. `bytes` counts its body. */
  | { readonly kind: 'complete'; readonly bytes: number }
  | { readonly kind: 'client_gone' }
  /** The upstream broke off; the client sees a truncated response, never a complete one. */
  | { readonly kind: 'upstream_broke' };

/** A response whose head has arrived and whose body waits in the upstream's connection. */
export interface UpstreamResponse {
  readonly status: number;
  /** Reason phrase, latin1 as it goes on the wire; may be empty. */
  readonly statusText: string;
  /** Flat list of names and values as the upstream sent them, latin1, before `relayResponseHeaders`. */
  readonly rawHeaders: string[];
  /** Whether the upstream has broken off while the response was held. */
  readonly broken: boolean;
  /**
   * Reads the body ahead of {@link relay}, up to `maxBytes` and for as long as there is `room`. What was read is relayed
   * first. Call it at most once.
   */
  collect(maxBytes: number, room?: BodyRoom): Promise<Collected>;
  /**
   * Streams body and trailers to a response whose `writeHead` was called, with backpressure, and ends it. Never
   * rejects. Call either this or `discard`, once.
   *
   * @param passage what the body goes through on its way
   */
  relay(res: AnswerOutlet, passage?: Passage): Promise<RelayOutcome>;
  /** Drops the response: aborts the upstream request and frees its connection. */
  discard(): void;
  /** Ends {@link relay} where it stands: the client sees a truncated response, the upstream is no longer read. */
  cut(why: Error): void;
}

/** Memory that bodies which are read ahead share. */
export interface BodyRoom {
  /** Takes room for this many bytes more; `false` when there is none. */
  take(bytes: number): boolean;
}

/** The result of reading a body ahead: all of it, more than was allowed, or the upstream broke off. */
export type Collected =
  | { readonly kind: 'whole'; readonly body: Buffer }
  | { readonly kind: 'larger' }
  /** `silent`: it took too long, without a byte or in all. */
  | { readonly kind: 'broke'; readonly silent: boolean };
