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
 * Writes down an attempt, durably. Nothing may be sent before it resolves. When it rejects, nothing of that attempt may
 * be sent at all, and `settle` rejects with the same reason. Called again for each attempt that replaces an earlier
 * one, when the receiver did not take the earlier one and never will.
 */
export type Journal = (attempt: SettlementAttempt) => Promise<void>;

/** Whether the same settlement was asked for before, and nothing was sent. */
export type AskingOrder = 'first' | 'again';

/** A settlement whose outcome is not known, as the ledger has it. */
export interface OpenSettlement {
  readonly payment: Payment;
  /** What was asked for. Only a movement of exactly this is `settled`. */
  readonly amount: Amount;
  /** What was written down last; `undefined` says that nothing was ever sent. */
  readonly attempt: SettlementAttempt | undefined;
  /** Unix milliseconds of the claim, or of an earlier transfer that it was made for. */
  readonly since: number;
  /** The outcome as it was known before, where a settlement is checked once more. */
  readonly known?: Settlement | undefined;
}

/** The result of a search for a transfer that somebody else made with a buyer's authorization. */
export type ForeignTransfer =
  /** Proved. `minedAt` is its block's time in Unix milliseconds, by the chain's own clock. */
  | { readonly kind: 'found'; readonly settlement: Settlement; readonly minedAt: number }
  /**
   * There is such a transfer, but it must not be served for: it is too old, or not exactly the price. Or the nonce is
   * used or cancelled, and nothing says that it made this transfer.
   */
  | { readonly kind: 'used' }
  /** There is no such transfer. */
  | { readonly kind: 'none' }
  /** The nonce is unused up to the node's newest block; `lacks` says whether the payer lacks the money or the approval there. */
  | { readonly kind: 'unused'; readonly lacks: boolean }
  /** There is no node to ask. */
  | { readonly kind: 'unseen' }
  /** Not known yet: the transfer is not confirmed, or the node is behind. */
  | { readonly kind: 'unclear' };

/**
 * Verifies and settles payments: a remote HTTP service, or the facilitator inside the gateway.
 *
 * Refusals are returned; a facilitator that cannot be reached, is too slow or talks nonsense is a thrown
 * {@link GatewayError} with `facilitator_unreachable`, `facilitator_timeout`, `facilitator_invalid_answer` or
 * `facilitator_overloaded`. Every implementation passes `test/contract/facilitator.contract.ts`.
 */
export interface Facilitator {
  /** Id for metrics and logs, from the configuration. */
  readonly name: string;
  /**
   * Why the facilitator is not asked for now, for operators: it refused a settlement without reading it. Meanwhile
   * `verify` throws `facilitator_overloaded`. `undefined`, or absent, when it is asked as usual.
   */
  readonly resting?: string | undefined;
  /** Asks what it can settle now. Also the check that it can be reached. */
  supported(signal: AbortSignal): Promise<readonly SupportedKind[]>;
  /** Checks a payment against our own offer. Moves nothing; may be repeated. */
  verify(payment: Payment, signal: AbortSignal): Promise<Verification>;
  /**
   * Whether it can be asked to settle this payment without a verification before it. The payment's signature is proved,
   * and the settlement makes the same checks before anything is sent. After `true` the caller must settle without a
   * verification: a transfer from before the request then counts as another purchase's. Absent: it cannot.
   */
  takeUnverified?(payment: Payment): boolean;
  /**
   * Moves the money: exactly `amount`, in atomic units, which is at most what the payer signed for. Called at most once
   * per claim. The attempt is given to `journal` before it is sent, and the caller writes the amount down with it. A
   * facilitator that cannot move exactly this amount says `failed`; it never moves another amount.
   *
   * @param asking default `first`; after `again` a refusal says something of this payment, and nothing of others
   * @throws GatewayError `facilitator_overloaded` when it declines before anything was sent; never for what happened
   *   after a request or a transaction may have left, which is `unknown`. Whatever `journal` rejected with.
   */
  settle(payment: Payment, amount: Amount, journal: Journal, asking?: AskingOrder): Promise<SettlementOutcome>;
  /**
   * Finds out the outcome of a settlement, by proof: `settled` and `failed` are certain, anything else is `unknown`.
   * May be repeated. May also be asked about a settlement that was `settled` before, because a reorganisation of the
   * chain can undo it: `known` is then the earlier outcome, and stands where no chain can be read. May send the
   * identical attempt again, never another one.
   *
   * @throws GatewayError the facilitator's faults when it cannot look
   */
  resolve(open: OpenSettlement, signal: AbortSignal): Promise<SettlementOutcome>;
  /**
   * Looks on the chain for a transfer of the whole price to the seller, made by somebody else with this payment's own
   * authorization, and younger than the offer holds. Moves nothing, and does not say whether the payment was served:
   * only the ledger makes sure that it is served once. Absent for a facilitator that never sees a chain.
   *
   * @throws GatewayError the facilitator's faults when it cannot look
   */
  findForeign?(payment: Payment, signal: AbortSignal): Promise<ForeignTransfer>;
  /** The catalogue's answer to a call with this same `payment` object; most facilitators give none. */
  catalogued?(payment: Payment): CatalogueAnswer | undefined;
  /** Reads our accounts that pay for settlements; absent where somebody else pays. A node's fault never rejects it. */
  funds?(): Promise<readonly SettlerReading[]>;
  /** Waits for settlements that are under way, then closes connections. */
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
