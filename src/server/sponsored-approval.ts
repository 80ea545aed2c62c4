import type { Offer } from '../domain/offer.ts';
import { GAS_SPONSORING, type GasSponsoring } from '../protocol/gas-sponsoring.ts';

/**
 * How the facilitator of an offer pays for an approval of Permit2 that the payer may lack. Only what a client can sign
 * is named: an EIP-2612 permit needs the token's own domain.
 *
 * @param extensions those that the facilitator lists
 */
export function sponsoringFor(offer: Offer, extensions: readonly string[]): readonly GasSponsoring[] {
  const { assetTransferMethod, name, version } = offer.requirements.extra;
  if (assetTransferMethod !== 'permit2') return [];
  const hasDomain = typeof name === 'string' && typeof version === 'string';
  return GAS_SPONSORING.filter((kind) => extensions.includes(kind) && (kind !== 'eip2612GasSponsoring' || hasDomain));
}
