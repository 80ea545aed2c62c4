import type { Amount } from '../domain/amount.ts';
import type { CatalogueAnswer } from '../domain/discovery.ts';
import type { Offer } from '../domain/offer.ts';
import type { Payment } from '../domain/payment.ts';
import type { SettlementAttempt } from '../domain/payment-record.ts';
import type { Settlement, SettlementOutcome } from '../domain/settlement.ts';
import type { SettlerReading } from '../domain/settler-funds.ts';
import type { SupportedKind } from '../domain/x402.ts';

/**
 * What verifying a payment came to. `reason` is one of the specification's reason strings, or the facilitator's own;
 * `words` say to people what it means here, such as how much is missing.
 */
export type Verification =
  | { readonly kind: 'valid'; readonly payer: string }
  | { readonly kind: 'invalid'; readonly reason: string; readonly words?: string };

/**
 * Writes down an attempt, durably. Nothing may be sent before it resolves; when it rejects, nothing of that attempt may
 * be sent at all, and `settle` rejects with the same reason. Called again for each attempt that takes the place of an
 * earlier one, which the receiver did not take and never will.
 */
export type Journal = (attempt: SettlementAttempt) => Promise<void>;

/** A settlement whose outcome is not known, as the ledger has it. */
export interface OpenSettlement {
  readonly payment: Payment;
  /** What was asked for. Only a movement of exactly this is `settled`. */
  readonly amount: Amount;
  /** What was written down last; `undefined` says that nothing was ever sent. */
  readonly attempt: SettlementAttempt | undefined;
  /** Unix milliseconds of the claim, or of an earlier transfer that it was made for. */
  readonly since: number;
  /**
   * Whether a transfer from before `since` may belong to another purchase: nobody had looked whether the authorization was
   * unused. Absent: somebody had, and it is this payment's, as chains' clocks and ours differ.
   */
  readonly mayBeForeign?: boolean | undefined;
  /** What it came to, where that was known before and is looked at once more. */
  readonly known?: Settlement | undefined;
}

/** What looking for a transfer came to that somebody else made with a buyer's authorization. */
export type ForeignTransfer =
  /** Proved. `minedAt` is its block's time in Unix milliseconds, by the chain's own clock. */
  | { readonly kind: 'found'; readonly settlement: Settlement; readonly minedAt: number }
  /** There is one that is this payment, but not to be served for: too old, or not exactly the price. */
  | { readonly kind: 'used' }
  /** There is none that is this payment, or nobody to ask who sees the chain. */
  | { readonly kind: 'none' }
  /** It cannot be told yet: not confirmed, or the node is behind. */
  | { readonly kind: 'unclear' };

/**
 * Who verifies and settles payments: a remote HTTP service, or the one inside the gateway.
 *
 * Refusals are returned; a facilitator that cannot be reached, is too slow or talks nonsense is a thrown
 * {@link GatewayError} with `facilitator_unreachable`, `facilitator_timeout`, `facilitator_invalid_answer` or
 * `facilitator_overloaded`. Every implementation passes `test/contract/facilitator.contract.ts`.
 */
export interface Facilitator {
  /** Id for metrics and logs, from the configuration. */
  readonly name: string;
  /**
   * Why it is left alone for now, for operators: it refused a settlement without reading it. Meanwhile `verify` throws
   * `facilitator_overloaded`. `undefined`, or absent, when it is not.
   */
  readonly resting?: string | undefined;
  /** Asks what it can settle now. Also the check that it can be reached. */
  supported(signal: AbortSignal): Promise<readonly SupportedKind[]>;
  /** Checks a payment against our own offer. Moves nothing; may be repeated. */
  verify(payment: Payment, signal: AbortSignal): Promise<Verification>;
  /**
   * Whether it can be asked to settle this payment, whose signature is proved, without a verification before it: then its
   * settlement makes the same checks before anything is sent. `true` is a promise to ask it so: it takes a transfer from
   * before for somebody else's. Absent: it cannot.
   */
  takeUnverified?(payment: Payment): boolean;
  /**
   * Moves the money: exactly `amount`, in atomic units, which is at most what the payer signed for. Called at most once
   * per claim. What is about to be sent is given to `journal` first, and the caller writes the amount down with it. A
   * facilitator that cannot move this very amount says `failed`; it never moves another one.
   *
   * @throws GatewayError `facilitator_overloaded` when it declines before anything was sent; never for what happened
   *   after a request or a transaction may have left, which is `unknown`. Whatever `journal` rejected with.
   */
  settle(payment: Payment, amount: Amount, journal: Journal): Promise<SettlementOutcome>;
  /**
   * Finds out what became of a settlement, by proof: `settled` and `failed` are certain, anything else is `unknown`.
   * May be repeated, and asked about a settlement that was `settled` before, which a reorganisation of the chain can
   * undo: `known` then says what it came to, and stands where there is no chain to look at. May send the identical
   * attempt again; never another one.
   *
   * @throws GatewayError the facilitator's faults when it cannot look
   */
  resolve(open: OpenSettlement, signal: AbortSignal): Promise<SettlementOutcome>;
  /**
   * Looks on the chain for the whole price, moved to the seller with this payment's own authorization by somebody else,
   * younger than the offer holds. Moves nothing, and says nothing of whom it is to be served to: one payment is served
   * once by the ledger alone. Absent where it never sees a chain.
   *
   * @throws GatewayError the facilitator's faults when it cannot look
   */
  findForeign?(payment: Payment, signal: AbortSignal): Promise<ForeignTransfer>;
  /** What its catalogue said of what the payment bought, when it was asked about this very object; most say nothing. */
  catalogued?(payment: Payment): CatalogueAnswer | undefined;
  /** Looks at the accounts of ours that pay for settlements; absent where somebody else pays. Never rejects for a node. */
  funds?(): Promise<readonly SettlerReading[]>;
  /** Waits for settlements that are under way and lets go of connections. */
  close(): Promise<void>;
}

/** Whether one of `kinds` covers an offer; x402 v1 kinds cover it where v1 knows the network. */
export function covers(kinds: readonly SupportedKind[], offer: Offer): boolean {
  return kinds.some((kind) => coversKind(kind, offer));
}

/** Whether a kind covers an offer. */
export function coversKind(kind: SupportedKind, offer: Offer): boolean {
  if (kind.scheme !== offer.scheme) return false;
  if (kind.x402Version === 2) return kind.network === offer.network;
  return kind.x402Version === 1 && offer.v1Network !== undefined && kind.network === offer.v1Network;
}
