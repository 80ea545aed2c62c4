import type { ProtocolTerms } from './protocol-setting.ts';
import type { PaidPrice } from './route-price.ts';
import type { JsonObject } from './x402.ts';

/** The part of a price that decides what a protocol states of it. */
export type StatedPrice = Pick<PaidPrice, 'offers' | 'settle' | 'metering' | 'description'>;

/** What a challenge states besides its offers. */
export interface ChallengeFacts {
  /** The host that clients see. */
  readonly realm: string;
  readonly terms: ProtocolTerms;
}

/** The part of a protocol that the configuration and the discovery documents need, before the protocol is opened. */
export interface ProtocolPrices {
  /** The protocol in messages. */
  readonly name: string;
  /** Why the protocol cannot state a price, and which prices it can state; `undefined` where it can. */
  whyNot(price: StatedPrice): { readonly wrong: string; readonly right: string } | undefined;
  /** The offers of a price, as `x-payment-info` of discovery documents states them. */
  infoOf(price: StatedPrice): readonly JsonObject[];
  /**
   * Bytes that the challenges for a price can take of the head of a 402. The header of x402 is not counted: it has a
   * bound of its own.
   */
  challengeBytes(price: StatedPrice, facts: ChallengeFacts): number;
}
