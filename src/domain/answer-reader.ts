import type { Amount } from './amount.ts';
import type { AnswerEnd } from './answer-end.ts';
import type { Offer } from './offer.ts';
import type { Receipt } from './receipt.ts';
import type { RequestHead } from './request-head.ts';
import type { Route } from './route.ts';
import type { PaidPrice } from './route-price.ts';
import type { Usage } from './usage.ts';

/**
 * Charging after the answer: what a call costs is known only when its answer has come. A meter counts the usage; a
 * protocol inside bodies checks whether the call failed.
 *
 * The states of the payment of such a call. After a crash at any point, recovery can tell what to do:
 *
 * | answer | payment | when the process is gone |
 * |---|---|---|
 * | the upstream works | `forwarding` | `released`: no money was asked for |
 * | unread: charged when its head has come | as a whole one | as a whole one |
 * | whole: read, then charged | `forwarding` → `settling`, with the charge → `delivering` → `delivered` | the proof decides, about this charge and no other |
 * | held: what is free of it goes out, the rest is charged as a whole one | as a whole one | as a whole one |
 * | stream: before its first byte | `forwarding` → `uncharged` | `released`: what it cost is not known, and the answer broke off |
 * | stream: before its tail | `uncharged` → `owed`, with the charge | that charge is settled |
 * | stream: over | `settling`, `answered` or `leftEarly` | the proof decides |
 * | a charge that is released | → `released`, before the rest goes out | – |
 *
 * The charge is written down before the money is asked for, and before the tail of a stream, or any byte of a whole
 * answer, goes out. A later settlement asks for the charge that was written down.
 *
 * The calls of the reader at the end of an answer:
 *
 * | what happens | whole | stream |
 * |---|---|---|
 * | it is complete | `charge` | `end('complete')` |
 * | it is larger than `maxBytes` | goes on as `larger`, if that is given; else the payment is released, 502 | – |
 * | the API breaks off, or is cut off by a limit | released, 502 or 504 | `end('upstream_broke')`: its charge is asked for, the answer is cut |
 * | the buyer leaves | released: nothing went out | `end('client_gone')`, of what passed until then; the API is no longer read |
 * | the authorization is about to end | – | `end('out_of_time')`, of what passed until then; the answer is cut, the API is no longer read |
 * | the ledger is away | 503, released by recovery | the tail is withheld, the answer is cut; released by recovery unless the charge was written |
 *
 * An answer that is collected later, with a payment that was settled before, is read in the same way. Its charge is not
 * asked for, and `finish` gets the first settlement.
 *
 * Bodies are as the API sent them: a reader that cannot read a `Content-Encoding` decides what that costs.
 */
export interface AnswerReader {
  /** How the request has to be sent for its answer to be read; absent: as it came. */
  readonly request?: RequestChange | undefined;
  /** Whether the charge is the offer's amount or nothing: an answer that is paid may then be collected later. */
  readonly allOrNothing?: boolean;
  /** Begins to read an answer that the route charges, once its head has come. */
  begin(head: AnswerHead): AnswerReading;
}

/** The changes of a request that make its answer readable. */
export interface RequestChange {
  /** Whether the API is asked for its whole answer, not compressed. */
  readonly plain: boolean;
  /** Whether it is asked for JSON, whatever else the client would take. */
  readonly json?: boolean;
  /**
   * Returns the bytes to send in place of the body; `undefined` leaves the body unchanged. The body is read into memory
   * for it. Of a request without one it gets no bytes, and is not called where the method only reads or deletes.
   *
   * @throws GatewayError for a request that must not be sent: nothing was claimed
   */
  readonly rewrite: ((body: Buffer) => Buffer | undefined) | undefined;
  /**
   * Called with the body before it is sent, where it is short: it was read for its price, or its announced length is
   * within `limits.pricedBodyBytes`.
   */
  readonly see?: ((body: Buffer) => void) | undefined;
}

/** The head of an answer of the API. */
export interface AnswerHead {
  readonly status: number;
  /** Flat list of names and values, as the API sent them. */
  readonly rawHeaders: readonly string[];
}

/** How one answer is read. */
export type AnswerReading = WholeReading | StreamReading | HeldReading | Unread;

/** An answer that costs the offer's amount, whatever it says: charged before its first byte goes out, and not read. */
export interface Unread {
  readonly kind: 'unread';
}

/** Reads an answer that waits until it is paid. Nothing of it went out before. */
export interface WholeReading {
  readonly kind: 'whole';
  /** Longest body that is read, in bytes. */
  readonly maxBytes: number;
  /**
   * What the complete answer costs. Where it throws, nothing is charged, and the client gets the fault, such as a 500.
   */
  charge(body: Buffer): Charge;
  /** How a longer one is read instead, from its first byte on; `undefined`: not at all, and nothing is charged. */
  readonly larger: StreamReading | Unread | undefined;
}

/**
 * Reads an answer, lets out the free part, and holds the part that is sold until it is paid: the states are those of a
 * whole answer, except that the head goes out before. For requests whose form of answers has a message for refusals.
 */
export interface HeldReading {
  readonly kind: 'held';
  /** Most that is held, in bytes: with more the payment is released and the answer is cut. */
  readonly maxBytes: number;
  readonly heldBytes: number;
  /** What is held of the answer, as the API sent it: what is kept for its buyer. */
  readonly held: Buffer;
  /** Takes the next bytes; returns what may go out unpaid. Where it throws, nothing is charged and the answer is cut. */
  pass(chunk: Buffer): readonly Uint8Array[];
  /** What the complete answer costs; `finish` gives what was held. Where it throws, nothing. */
  charge(): Charge;
  /** What ends the answer where it is not paid. @param message as the form of the request has it */
  refused(message: string): Uint8Array;
}

/** Reads an answer while it goes out. */
export interface StreamReading {
  readonly kind: 'stream';
  /** Whether it puts bytes of its own into the answer: a length that the API announced is then not passed on. */
  readonly adds: boolean;
  /** Takes the next bytes; returns what may go out now, and holds the rest back. Where it throws, the answer is cut. */
  pass(chunk: Buffer): readonly Uint8Array[];
  /** What the answer costs, now that it is over. Called once. Where it throws, nothing, and the answer is cut. */
  end(how: AnswerEnd): Charge;
}

/** What an answer costs. */
export type Charge = Finish &
  (
    | {
        readonly kind: 'charge';
        /** Atomic units; what is over the offer's amount is not asked for. Zero uses the payment up, too. */
        readonly amount: Amount;
        /** The usage that the charge was computed from, for the ledger. */
        readonly usage?: Usage;
      }
    /** Nothing is charged and the payment can be used again; the answer goes out all the same. */
    | { readonly kind: 'release'; readonly reason: string }
  );

/** What still goes out when the charge is in the ledger. */
export interface Finish {
  /**
   * For a stream: the held bytes, with additions. For a whole answer: the body to send instead of the API's. Absent:
   * nothing is added, and the API's body is sent. Not called where the answer is cut.
   *
   * @param told the buyer's view of the charge; `undefined` where nothing is charged
   */
  finish?(told: ChargeTold | undefined): Uint8Array;
}

/** The buyer's view of a charge. */
export interface ChargeTold {
  /** `settled` of a whole answer, `promised` of a stream; `undefined` where a balance was charged. */
  readonly receipt: Receipt | undefined;
  /** The same as fields of the protocol that the payment came in, such as `PAYMENT-RESPONSE`. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The same as a comment of an event stream, base64 of JSON. */
  readonly comment: string | undefined;
}

/** A paid request, for the readers that may charge its answer. */
export interface PaidCall {
  readonly route: Route;
  /** What it costs. */
  readonly price: PaidPrice;
  readonly head: RequestHead;
  /** The path that the API gets, below its base path: canonical, rewritten. */
  readonly path: string;
  /** The body, where it was read before it was sent. */
  readonly body: Buffer | undefined;
  /** The offer that is paid: its amount is the most that can be charged, unless there is a limit. */
  readonly offer: Offer;
  /** What a balance that was paid with this offer may be charged for the call; absent where the call itself is paid. */
  readonly limit?: ChargeLimit;
}

/** The most that a call is charged, and the decimals of its unit. */
export interface ChargeLimit {
  readonly amount: Amount;
  /** Digits after the point of the units that are charged. */
  readonly decimals: number;
}

/** Finds the readers for one way of charging answers by their content. Built-in ones are in the registry. */
export interface AnswerReaders {
  /** The reader for the answer to a paid request; `undefined` where it costs the offer's amount, whatever it says. */
  readerOf(call: PaidCall): AnswerReader | undefined;
}
