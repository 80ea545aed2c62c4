import type { Amount } from '../domain/amount.ts';
import type { CatalogueAnswer } from '../domain/discovery.ts';
import type { ErrorCode } from '../domain/gateway-error.ts';
import type { Network } from '../domain/network.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import type { PaymentState } from '../domain/payment-state.ts';
import type { Route } from '../domain/route.ts';
import type { SettleMode } from '../domain/route-price.ts';
import type { Usage } from '../domain/usage.ts';

/** How a request ended, in words that logs and metrics share. */
export type RequestOutcome =
  | 'free'
  | 'paid'
  | 'pass'
  | 'key'
  | 'free_quota'
  | 'kept'
  | 'redelivered'
  | 'shadow'
  | 'unpaid'
  | 'preflight'
  | 'discovery'
  | 'refused'
  | 'failed'
  | 'client_gone';

/**
 * The result that a request would have had without shadow mode. It was let through free of charge, because its route
 * does not charge every client.
 */
export interface ShadowFacts {
  /** The result: service, or an answer with an error code. */
  readonly decision: 'paid' | 'redelivered' | ErrorCode;
  /** What would have been charged; for a request without a payment, if it had paid the first offer. */
  readonly wouldCharge:
    | {
        readonly network: Network;
        readonly asset: string;
        readonly amount: Amount;
        /** When the money would have moved. */
        readonly settle: SettleMode;
      }
    | undefined;
}

/** What is known of a request when it is over. Holds no header, token or key. */
export interface RequestSummary {
  readonly requestId: string;
  /** 32 hex digits; `undefined` where nothing is traced. */
  readonly traceId: string | undefined;
  readonly method: string;
  /** Canonical path; `undefined` where the target had none. */
  readonly path: string | undefined;
  readonly route: Route | undefined;
  readonly outcome: RequestOutcome;
  readonly code: ErrorCode | undefined;
  /** The reason given to the client, such as a specification's reason string. */
  readonly reason: string | undefined;
  readonly status: number;
  /** Address of the client; `undefined` where it is not known, or must not be shown. */
  readonly client: string | undefined;
  /** The protocol that a payment came in, good or not; `undefined` where none was brought. */
  readonly protocol: string | undefined;
  readonly payer: string | undefined;
  readonly transaction: string | undefined;
  /** Only of requests that were let through in shadow mode. */
  readonly shadow: ShadowFacts | undefined;
  /**
   * Id of the pass that served the request, or that its payment bought. The id alone gives no right to use the pass.
   */
  readonly pass: string | undefined;
  /** The answer of the facilitator's catalogue to the payment. */
  readonly catalogued: CatalogueAnswer | undefined;
  readonly durationMs: number;
  /** Time waited for the upstream's response headers, in milliseconds. */
  readonly upstreamMs: number | undefined;
  /** Time until the head of the answer was written, in milliseconds. */
  readonly headMs: number | undefined;
  /** What went wrong inside, for the log only. */
  readonly cause: unknown;
}

/** A step of a payment, after the ledger has written it. */
export interface PaymentMove {
  /** The payment after the step. */
  readonly record: Pick<PaymentRecord, 'route' | 'network' | 'scheme' | 'protocol' | 'asset' | 'amount' | 'settlement'>;
  readonly to: PaymentState;
  /** Whether the ledger learned with this step that the money moved. */
  readonly settled: boolean;
}

/** An operation of a facilitator. */
export type FacilitatorOperation = 'supported' | 'verify' | 'settle' | 'resolve';

/** One call of a facilitator. */
export interface FacilitatorCall {
  /** Its name in the configuration. */
  readonly facilitator: string;
  readonly operation: FacilitatorOperation;
  /** The answer's kind, such as `valid` or `settled`; for a fault its public code, or `error`. */
  readonly outcome: string;
  /** The network of the payment; `undefined` for `supported`. */
  readonly network: Network | undefined;
  readonly durationMs: number;
}

/** Something that happened with a pass on a route. */
export interface PassEvent {
  /**
   * `issued`: a payment bought or extended the pass. All others are results of requests with a pass: `served`;
   * `returned`, because the API failed; or the reason of a refusal. `sign_in`: the sign-in was refused.
   */
  readonly kind:
    | 'issued'
    | 'served'
    | 'returned'
    | 'malformed'
    | 'invalid'
    | 'expired'
    | 'exhausted'
    | 'revoked'
    | 'sign_in';
  /** The route's name. */
  readonly route: string;
}

/** An answer that was relayed and not kept, though its route keeps answers. */
export interface UnkeptAnswer {
  /** The route's name. */
  readonly route: string;
  /** The place that had no room for it. */
  readonly room: 'memory' | 'store';
}

/** An answer that was charged by the usage that it reports. */
export interface ChargedAnswer {
  /** Id of the price. */
  readonly route: string;
  /** `undefined` where its reader reports no usage. */
  readonly usage: Usage | undefined;
  readonly amount: Amount;
  /** What the buyer had signed for. */
  readonly maximum: Amount;
}

/** Receives events for logs and metrics. Never throws, never waits. */
export interface Observer {
  requestFinished(summary: RequestSummary): void;
  paymentMoved(move: PaymentMove): void;
  facilitatorCalled(call: FacilitatorCall): void;
  /** A settlement of ours was mined and moved no money; `gas` is the most that it took. */
  gasFailed(facilitator: string, network: Network, gas: bigint): void;
  passNoted(event: PassEvent): void;
  answerNotKept(event: UnkeptAnswer): void;
  /** The charge is written down. */
  answerCharged(event: ChargedAnswer): void;
}
