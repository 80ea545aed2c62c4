import type { Offer } from './offer.ts';
import type { PaidPrice } from './route-price.ts';

/** Whether MPP can state an offer: its credentials are authorizations of EIP-3009 over exactly the amount. */
export function statesByMpp({ scheme, asset }: Offer): boolean {
  return scheme === 'exact' && asset.transferMethod === 'eip3009';
}

/** The parts of a price that decide which of its offers MPP states. */
export type MppPrice = Pick<PaidPrice, 'offers' | 'settle' | 'metering'>;

/** The offers of a price that MPP states: none for a metered price, or for answers on credit. */
export function mppOffersOf({ offers, settle, metering }: MppPrice): readonly Offer[] {
  return settle === 'deferred' || metering !== undefined ? [] : offers.filter(statesByMpp);
}
