import type { Offer } from './offer.ts';

/** Whether MPP can state an offer: its credentials are authorizations of EIP-3009 over exactly the amount. */
export function statesByMpp({ scheme, asset }: Offer): boolean {
  return scheme === 'exact' && asset.transferMethod === 'eip3009';
}
