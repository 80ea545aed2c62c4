import type { AccessTerms } from './access.ts';
import { type Amount, formatAmount, parseAmount } from './amount.ts';
import type { Asset } from './asset.ts';
import type { Network } from './network.ts';
import type { PaymentRequirements } from './x402.ts';

/** One way to pay for a route: the wire requirement, and the same facts as domain types. Immutable, made by the plan. */
export interface Offer {
  readonly scheme: string;
  readonly network: Network;
  readonly asset: Asset;
  readonly amount: Amount;
  readonly payTo: string;
  /** How long a signed payment for this offer may take, in seconds; the client derives `validBefore` from it. */
  readonly maxTimeoutSeconds: number;
  /** The network's x402 v1 name, when v1 clients can pay this offer. */
  readonly v1Network: string | undefined;
  /** What is put on the wire and handed to facilitators. Never what a client sent. */
  readonly requirements: PaymentRequirements;
  /**
   * The pass that paying buys, where the route sells one. Part of the offer, so that a price that was quoted before a
   * change buys what was sold for it, also when the pass is issued by another process.
   */
  readonly access?: AccessTerms;
  /**
   * Members of `requirements.extra` that are a facilitator's own facts, such as the account that pays the fees. Only
   * that facilitator takes a payment that was signed with them.
   */
  readonly learnt?: readonly string[];
}

/** The scheme of metered prices: its payments are charged what was used. */
export const METERED_SCHEME = 'upto';

/** Whether the amount of an offer is a maximum: then a settlement of less is in order. */
export function statesMaximum({ scheme }: Pick<Offer, 'scheme'>): boolean {
  return scheme === METERED_SCHEME;
}

/** An offer as our own ledger stores it: JSON, the amount as text. */
export type StoredOffer = Omit<Offer, 'amount'> & { readonly amount: string };

/** Puts an offer into its stored form. Equal offers come out equal, so that their JSON can be compared. */
export function storeOffer(offer: Offer): StoredOffer {
  return { ...offer, amount: formatAmount(offer.amount) };
}

/** Reads what {@link storeOffer} wrote; `undefined` when another version wrote it in another way. */
export function restoreOffer(stored: StoredOffer): Offer | undefined {
  const amount = parseAmount(stored?.amount);
  return amount === undefined ? undefined : { ...stored, amount };
}
