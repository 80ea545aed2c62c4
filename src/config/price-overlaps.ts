import { isSameWay } from '../domain/price-sum.ts';
import { type RoutePrice, weightOf } from '../domain/route-price.ts';
import { asksVerified, conditionText, type When, whenText } from '../domain/when.ts';
import { covers, meets } from '../domain/when-overlap.ts';
import type { Place, Source } from './source.ts';

/** An entry of `prices` and where it stands. */
interface PlacedPrice {
  readonly price: RoutePrice;
  readonly place: Place;
}

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
  for (const entry of entries) {
    warnOfWayAround(entry, entries, source);
    warnOfVariables(entry, entries, source);
    warnOfNegatives(entry, entries, source);
  }
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

/**
 * The kind of client is the client's own claim: only a client that wants to pays a price that depends on it. A
 * signature cannot be claimed.
 */
function warnOfWayAround({ price, place }: PlacedPrice, entries: readonly PlacedPrice[], source: Source): void {
  const agent = price.when.find(({ subject }) => subject.kind === 'agent');
  if (agent === undefined) return;
  const others = price.when.filter((condition) => condition !== agent);
  const cheaper = cheaperWith(
    others,
    price,
    entries.filter((other) => !other.price.when.some(asksVerified)),
  );
  if (cheaper === undefined) return;
  const who = asksVerified(agent) ? 'an agent that does not sign' : 'a client that sends another User-Agent';
  source.warn(place, `${who} pays what ${cheaper.place.path} costs instead`, 'the same price, unless that is meant');
}

/** What a variable says, a query can say itself. */
function warnOfVariables({ price, place }: PlacedPrice, entries: readonly PlacedPrice[], source: Source): void {
  if (!entries.some((each) => each.price.when.some(({ subject }) => subject.kind === 'graphql'))) return;
  const others = price.when.filter(
    ({ subject }) => !(subject.kind === 'json' && subject.pointer.startsWith('/variables/')),
  );
  if (others.length === price.when.length) return;
  const cheaper = cheaperWith(others, price, entries);
  if (cheaper === undefined) return;
  const wrong = `a client that writes the value into its query pays what ${cheaper.place.path} costs instead`;
  source.warn(place, wrong, 'a price by field alone, unless that is meant');
}

/** Below zero, a limit is none to many APIs (WordPress, SQLite). */
function warnOfNegatives({ price, place }: PlacedPrice, entries: readonly PlacedPrice[], source: Source): void {
  const open = price.when.find(({ test }) => test.kind === 'range' && test.min === undefined);
  if (open === undefined || entries.every((other) => weightOf(other.price) <= weightOf(price))) return;
  const wrong = `-1 fits ${conditionText(open)}, too, which some APIs take for no limit`;
  source.warn(place, wrong, 'a min beside max, such as { min: 0, max: 10 }');
}

/** The first other price below one that these conditions can meet. */
function cheaperWith(when: When, price: RoutePrice, entries: readonly PlacedPrice[]): PlacedPrice | undefined {
  return entries.find(
    (other) => other.price !== price && weightOf(other.price) < weightOf(price) && meets(other.price.when, when),
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
