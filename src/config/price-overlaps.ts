import { isSameWay } from '../domain/price-sum.ts';
import { weightOf } from '../domain/route-price.ts';
import { whenText } from '../domain/when.ts';
import { covers, meets } from '../domain/when-overlap.ts';
import { type PlacedPrice, warnOfCheaperWays } from './cheaper-ways.ts';
import type { Source } from './source.ts';

/** Checks the prices of a route against each other, in their order. */
export function checkPriceList(entries: readonly PlacedPrice[], source: Source): void {
  entries.forEach((entry, at) => {
    const before = entries.slice(0, at);
    const taker = before.find(({ price }) => covers(price.when, entry.price.when));
    if (taker !== undefined) {
      source.report(
        entry.place,
        `the price can never be asked: ${taker.place.path} (${whenText(taker.price.when)}) takes all of its requests`,
        'it before the other one, or left out',
      );
      return;
    }
    warnOfOverlap(entry, before, source);
  });
  warnOfCheaperWays(entries, source);
  checkSums(entries, source);
}

/** Order decides, which is easily overlooked where neither entry is a special case of the other. */
function warnOfOverlap(entry: PlacedPrice, before: readonly PlacedPrice[], source: Source): void {
  const { when } = entry.price;
  const other = before.find(
    ({ price }) =>
      weightOf(price) !== weightOf(entry.price) &&
      price.when.length > 0 &&
      when.length > 0 &&
      meets(price.when, when) &&
      !covers(when, price.when),
  );
  if (other === undefined) return;
  source.warn(
    entry.place,
    `some requests fit ${other.place.path} (${whenText(other.price.when)}) as well, and cost what that says`,
    'conditions that do not meet, or the one that is meant first',
  );
}

/** A batch is paid at once: its calls need a way to pay that all of them have. */
function checkSums(entries: readonly PlacedPrice[], source: Source): void {
  const kinds = new Set(entries.flatMap(({ price }) => price.when.map(({ subject }) => subject.kind)));
  if (!kinds.has('jsonrpc') && !kinds.has('graphql')) return;
  if (kinds.has('jsonrpc') && kinds.has('graphql')) {
    const both = entries.find(({ price }) => price.when.some(({ subject }) => subject.kind === 'graphql'));
    if (both !== undefined)
      source.report(both.place, 'the route has prices for JSON-RPC, too', 'a route of its own for GraphQL');
  }
  const paid = entries.flatMap(({ price, place }) => (price.kind === 'priced' ? [{ price, place }] : []));
  const [first, ...others] = paid;
  for (const { price, place } of others) {
    const isSame =
      first?.price.offers.length === price.offers.length &&
      price.offers.every((offer) => first.price.offers.some((other) => isSameWay(offer, other)));
    if (isSame) continue;
    const wrong = `a batch with it could not be paid: its ways to pay are not those of ${first?.place.path ?? 'the first'}`;
    source.report(place, wrong, 'the same accepts and payTo for all prices of the route');
  }
}
