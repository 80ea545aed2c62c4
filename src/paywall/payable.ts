import { formatUnits } from '../domain/amount.ts';
import { evmChainId } from '../domain/network.ts';
import type { Offer } from '../domain/offer.ts';
import type { PayableOffer } from './page-data.ts';

/** `0.05 USDC`. */
export function priceIn({ amount, asset }: Offer): string {
  return `${formatUnits(amount, asset.decimals)} ${asset.symbol}`;
}

/** The offers that a wallet in a browser can sign without a transaction of its own: `exact` with EIP-3009. */
export function payableOffers(
  offers: readonly Offer[],
  networkName: (network: string) => string,
): readonly PayableOffer[] {
  return offers.flatMap((offer) => {
    const { asset, requirements, network, scheme } = offer;
    const chainId = evmChainId(network);
    if (scheme !== 'exact' || asset.transferMethod !== 'eip3009' || chainId === undefined) return [];
    return {
      accepted: requirements,
      chainId,
      network: networkTitle(networkName(network)),
      price: priceIn(offer),
      symbol: asset.symbol,
      decimals: asset.decimals,
      domain: { name: asset.name, version: asset.version },
    };
  });
}

/** A network for people: `base-sepolia` is Base Sepolia; one without a name is its CAIP-2 identifier. */
function networkTitle(name: string): string {
  if (name.includes(':')) return name;
  return name.replace(
    /(^|-)([a-z])/g,
    (_match, dash: string, letter: string) => `${dash && ' '}${letter.toUpperCase()}`,
  );
}
