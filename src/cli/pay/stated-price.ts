import type { AssetTable } from '../../config/asset-table.ts';
import { payableChallenges } from './mpp-challenge.ts';
import { describeOffer, describeStated } from './payable-offer.ts';

/** What the headers of a 402 say of its first offer, in x402 or else in MPP: one fact per line, none where nothing can be read. */
export function describePrice(headers: Headers, table: AssetTable, url: string): readonly string[] {
  const stated = describeStated(headers.get('payment-required'), table, url);
  const [challenge] = stated.length > 0 ? [] : payableChallenges(headers, table, Date.now());
  if (challenge === undefined) return stated;
  const { offer, description } = challenge;
  return describeOffer(offer, { resource: { url, ...(description === undefined ? {} : { description }) } }, url);
}
