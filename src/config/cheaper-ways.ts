import { type RoutePrice, weightOf } from '../domain/route-price.ts';
import { asksVerified, conditionText, type When } from '../domain/when.ts';
import { meets } from '../domain/when-overlap.ts';
import type { Place, Source } from './source.ts';

/** An entry of `prices` and where it stands. */
export interface PlacedPrice {
  readonly price: RoutePrice;
  readonly place: Place;
}

/** Warns of prices that a client gets around: it asks for the same in another way, which costs less. */
export function warnOfCheaperWays(entries: readonly PlacedPrice[], source: Source): void {
  for (const entry of entries) {
    warnOfOtherClient(entry, entries, source);
    warnOfVariables(entry, entries, source);
    warnOfNegatives(entry, entries, source);
  }
}

/**
 * The kind of client is the client's own claim: only a client that wants to pays a price that depends on it. A
 * signature cannot be claimed.
 */
function warnOfOtherClient({ price, place }: PlacedPrice, entries: readonly PlacedPrice[], source: Source): void {
  const agent = price.when.find(({ subject }) => subject.kind === 'agent');
  if (agent === undefined) return;
  const others = price.when.filter((condition) => condition !== agent);
  const unsigned = entries.filter((other) => !other.price.when.some(asksVerified));
  const cheaper = cheaperWith(others, price, unsigned);
  if (cheaper === undefined) return;
  const who = asksVerified(agent) ? 'an agent that does not sign' : 'a client that sends another User-Agent';
  source.warn(place, `${who} pays what ${cheaper.place.path} costs instead`, 'the same price, unless that is meant');
}

/** A client can write the value of a variable into its query, where no condition sees it. */
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

/** To many APIs (WordPress, SQLite) a limit below zero is none. */
function warnOfNegatives({ price, place }: PlacedPrice, entries: readonly PlacedPrice[], source: Source): void {
  const open = price.when.find(({ test }) => test.kind === 'range' && test.min === undefined);
  if (open === undefined || entries.every((other) => weightOf(other.price) <= weightOf(price))) return;
  const wrong = `-1 fits "${conditionText(open)}", and some APIs take it for no limit`;
  source.warn(place, wrong, 'a min beside max, such as { min: 0, max: 10 }');
}

/** The first price that is lower than this one and that requests with these conditions can get. */
function cheaperWith(when: When, price: RoutePrice, entries: readonly PlacedPrice[]): PlacedPrice | undefined {
  return entries.find(
    (other) => other.price !== price && weightOf(other.price) < weightOf(price) && meets(other.price.when, when),
  );
}
