import type { AnswerReader } from '../domain/answer-reader.ts';
import type { CatalogueAnswer } from '../domain/discovery.ts';
import type { ErrorCode } from '../domain/gateway-error.ts';
import type { Offer } from '../domain/offer.ts';
import type { RequestHead } from '../domain/request-head.ts';
import type { Route } from '../domain/route.ts';
import type { PaidPrice } from '../domain/route-price.ts';
import type { JsonObject } from '../domain/x402.ts';
import type { PassEvent, ShadowFacts } from '../observe/observer.ts';
import type { RequestTrace } from '../observe/tracer.ts';
import type { Protocol } from '../protocol/protocol.ts';
import type { CallPlace } from '../proxy/call-room.ts';
import type { Client } from '../proxy/client.ts';
import type { SignalledDeparture } from '../proxy/client-departure.ts';
import type { RequestBody } from '../proxy/request-body.ts';
import type { AnswerForm } from './answer-form.ts';
import type { Runtime } from './runtime.ts';

/** A request whose target, host and framing have one reading only. */
export interface AcceptedHead {
  readonly head: RequestHead;
  readonly runtime: Runtime;
  readonly requestId: string;
  readonly method: string;
  /** Canonical path: what is matched and what is forwarded. */
  readonly path: string;
  /** With its `?`, as sent. */
  readonly query: string;
  /** Scheme that the client used: from a trusted proxy, else that of the connection. */
  readonly proto: 'http' | 'https';
  /** Host that the client used, in lower case, with port: from a trusted proxy, else from the Host header. */
  readonly host: string;
  /** Origin that clients see: `publicUrl`, else trusted forwarding headers, else the Host header. */
  readonly publicOrigin: string;
  readonly notes: ExchangeNotes;
  /** Lower-case name of a header that is not forwarded to the API; `undefined`: none. */
  readonly withheld?: string | undefined;
}

/** A request whose price is looked for. */
export interface AskingRequest extends AcceptedHead {
  readonly body: Pick<RequestBody, 'read' | 'readArrived'> | undefined;
}

/** An accepted request with the client that waits for its answer. */
export interface AcceptedRequest extends AcceptedHead {
  readonly client: Client;
  readonly clientGone: SignalledDeparture;
  /** `undefined` where it has none. */
  readonly body: RequestBody | undefined;
  /** Its price, once that was chosen. */
  readonly price?: PaidPrice;
  /**
   * The reader that prices the answer, where a protocol inside the body decides; `undefined` where the route decides.
   */
  readonly answerReader?: (paid: PaidIn) => AnswerReader;
  /** Payments in its message, by the members of `_meta` in MCP. */
  readonly payments?: JsonObject | undefined;
  /** The form of the gateway's own answers to it; absent: plain HTTP. */
  readonly form?: AnswerForm | undefined;
  /** Whether the API is asked for its whole answer, not compressed. */
  readonly plainAnswer?: boolean;
  /** Whether it is asked for JSON. */
  readonly jsonAnswer?: boolean;
  /** Its room at the upstream, where it was taken before the call. */
  readonly place?: CallPlace;
}

/** The offer that a payment pays, and the protocol that it came in. */
export interface PaidIn {
  readonly offer: Offer;
  readonly protocol: Protocol;
}

/** A request whose price was chosen. */
export interface RoutedRequest extends AcceptedRequest {
  readonly route: Route;
  readonly price: PaidPrice;
  /** The body, where it decided the price: the payment is bound to it. */
  readonly pricedBody: Buffer | undefined;
  /** The URL that a 402 for this request states. */
  readonly resourceUrl: string;
}

/** Facts for the log, filled in by the stages; the outcome is not among them. The one mutable part of a request. */
export interface ExchangeNotes {
  path: string | undefined;
  route: Route | undefined;
  code: ErrorCode | undefined;
  reason: string | undefined;
  /** Name of the protocol of a payment, valid or not. */
  protocol: string | undefined;
  payer: string | undefined;
  transaction: string | undefined;
  shadow: ShadowFacts | undefined;
  /** Id of the pass that it was served by, or that its payment bought. */
  pass: string | undefined;
  /** The result of the pass that it brought or bought. */
  passUse: PassEvent['kind'] | undefined;
  upstreamMs: number | undefined;
  /** What the facilitator's catalogue said about the payment. */
  catalogued: CatalogueAnswer | undefined;
  /** When the head of the answer was written, by `performance.now()`. */
  headAt: number | undefined;
  cause: unknown;
  /** The trace of the request, where it is traced. */
  trace: RequestTrace | undefined;
}

/** Notes at the start of a request. */
export function emptyNotes(): ExchangeNotes {
  return {
    path: undefined,
    route: undefined,
    code: undefined,
    reason: undefined,
    protocol: undefined,
    payer: undefined,
    transaction: undefined,
    shadow: undefined,
    pass: undefined,
    passUse: undefined,
    catalogued: undefined,
    upstreamMs: undefined,
    headAt: undefined,
    cause: undefined,
    trace: undefined,
  };
}
