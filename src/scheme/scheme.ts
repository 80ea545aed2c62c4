import type { Asset } from '../domain/asset.ts';
import { type Network, networkFamily } from '../domain/network.ts';
import type { Offer } from '../domain/offer.ts';
import type { Authorization, PaymentKey } from '../domain/payment.ts';
import type { JsonObject } from '../domain/x402.ts';

/** What reading and checking a scheme payload came to. */
export type Authentication =
  | { readonly kind: 'authentic'; readonly authorization: Authorization }
  /** The payload is not of the scheme's shape: status 400. */
  | { readonly kind: 'malformed'; readonly detail: string }
  /** Well-formed, but it does not pay this offer; `reason` is the specification's reason string: status 402. */
  | {
      readonly kind: 'refused';
      readonly reason: string;
      /**
       * Set where only the time is wrong, too early or too late. The payment cannot be taken now, but it may have been
       * taken before, if a clock was corrected or put back since. Then its buyer gets its outcome and no new offer.
       */
      readonly lapsed?: Authorization;
    };

/**
 * A payment scheme on one network family: what its offers carry, and how a payment for them is checked without a
 * network. One folder each under `src/scheme`, one line in `src/registry.ts`.
 */
export interface Scheme {
  /** The specification's name, such as `exact`. */
  readonly scheme: string;
  /** The CAIP-2 namespace it works on, such as `eip155`; `undefined`: every one that no other scheme of the name works on. */
  readonly family: string | undefined;
  /** What is not checked here and left to facilitators on a network, for operators; absent where nothing is. */
  unchecked?(network: Network): string;
  /** The requirement's `extra`: what a client needs in order to sign for this asset. */
  extra(asset: Asset): JsonObject;
  /**
   * The part of the facilitator's own `extra` that belongs into the offers, such as the account that pays the fees.
   * `undefined` where a fact is missing that a payment needs. Absent for a scheme whose offers need nothing of `extra`.
   */
  facts?(extra: JsonObject): JsonObject | undefined;
  /**
   * Whether only the chain is left to check once the signature of a payment for this offer is proved here: whether the
   * payer has the money, and whether the authorization is unused. The settlement checks both before anything is sent,
   * so it needs no verification before it. Absent: no.
   */
  leavesOnlyTheChain?(offer: Offer): boolean;
  /**
   * The payment key of a payload on the network and asset of an offer, whatever else it is signed for; `undefined` for a
   * payload of another shape. Finds the row of a payment whose own offer is no longer in force.
   */
  paymentKey(payload: JsonObject, offer: Offer): PaymentKey | undefined;
  /** Checks a payload against our offer. `now` in Unix seconds. */
  authenticate(payload: JsonObject, offer: Offer, now: number): Promise<Authentication> | Authentication;
}

/** The scheme of that name on a network: the one for its family before the one for all. */
export function findScheme(schemes: readonly Scheme[], name: string, network: Network): Scheme | undefined {
  const family = networkFamily(network);
  const named = schemes.filter(({ scheme }) => scheme === name);
  return named.find((one) => one.family === family) ?? named.find((one) => one.family === undefined);
}
