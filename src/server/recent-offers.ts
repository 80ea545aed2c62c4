import { type Offer, restoreOffer, type StoredOffer, storeOffer } from '../domain/offer.ts';
import type { Route } from '../domain/route.ts';
import { paidPrices } from '../domain/route-price.ts';
import type { Quotes } from '../store/quotes.ts';

/** Longest time that an offer is honoured after it was last in force, in milliseconds: bounds the memory. */
const LONGEST_MS = 24 * 3600_000;

/** How often the offers in force are written down, in milliseconds: a crash shortens the honoured time by as much. */
const REMEMBER_MS = 5000;

/**
 * Longest time after a change of plan in which an older request may still state the old price, in milliseconds: a
 * failed settlement is answered with a fresh 402.
 */
const STRAGGLERS_MS = 120_000;

/** Shortest time between two reads of other processes' quotes, in milliseconds: buyers cannot overload the store. */
const LOOK_UP_MS = 500;

interface RecentOffer {
  readonly offer: Offer;
  /** Unix milliseconds after which it is no longer honoured. */
  until: number;
}

interface InForce {
  /** Id of the price. */
  readonly route: string;
  /** As in the store. */
  readonly offer: string;
}

/**
 * Offers that this process honours though it does not make them: those that were in force before its plan, and those of
 * other processes, whose plan is older or newer. A payment for a quoted price is accepted for the quote's lifetime
 * (`maxTimeoutSeconds`), over price changes, restarts and replicas.
 *
 * Every process writes its offers down before it states them, so that the store has every price that a buyer can have
 * seen.
 */
export class RecentOffers {
  readonly #quotes: Quotes;
  readonly #clock: () => number;
  #inForce: readonly InForce[];
  #keys: OffersByRoute;
  readonly #byRoute = new Map<string, Map<string, RecentOffer>>();
  /** Offers that went out of force since the last write, and when. */
  readonly #left: { readonly at: number; readonly quotes: readonly InForce[] }[] = [];
  #rememberedAt = 0;
  #look: Promise<void> | undefined;
  #looked: Promise<void> = Promise.resolve();

  constructor(quotes: Quotes, routes: readonly Route[], clock: () => number) {
    this.#quotes = quotes;
    this.#clock = clock;
    this.#inForce = inForceOf(routes);
    this.#keys = byRoute(this.#inForce);
  }

  /**
   * Reads what was in force before, and what other processes offer. Resolves to a function: call it to honour these
   * offers beside the plan that is in force then.
   */
  async recall(): Promise<() => void> {
    const quotes = await this.#quotes.recallQuotes(this.#clock() - LONGEST_MS);
    return () => {
      for (const { route, offer, seenAt } of quotes)
        if (!holds(this.#keys, { route, offer })) this.#honour({ route, offer }, seenAt);
    };
  }

  /**
   * Reads again what other processes offer, for a payment that matches nothing known. Calls share one read, and wait
   * where there are many. A failed read adds no offers.
   */
  async lookUp(): Promise<void> {
    this.#look ??= this.#lookSoon();
    await this.#look;
  }

  /** The offers of a price that are still honoured at `now` (Unix milliseconds). */
  of(route: string, now: number): readonly Offer[] {
    const recent = this.#byRoute.get(route);
    if (recent === undefined) return [];
    return [...recent.values()].filter(({ until }) => now <= until).map(({ offer }) => offer);
  }

  /**
   * Writes down that the offers of a plan are about to be in force, so that other processes honour them from the first.
   *
   * @throws GatewayError `store_unavailable`
   */
  async announce(routes: readonly Route[]): Promise<void> {
    const coming = inForceOf(routes).filter((quote) => !holds(this.#keys, quote));
    if (coming.length > 0) await this.#quotes.rememberQuotes(coming, this.#clock());
  }

  /**
   * Puts the offers of another plan in force. Those that end are honoured as recent ones from now on. Call the returned
   * function when the last request of the old plan is over: until then it may still state an old price.
   */
  replace(routes: readonly Route[]): () => void {
    const now = this.#clock();
    const inForce = inForceOf(routes);
    const keys = byRoute(inForce);
    const ended = this.#inForce.filter((quote) => !holds(keys, quote));
    for (const quote of inForce) this.#byRoute.get(quote.route)?.delete(quote.offer);
    this.#forget(now);
    const shorten = ended.flatMap((quote) => this.#honour(quote, now + STRAGGLERS_MS) ?? []);
    [this.#inForce, this.#keys] = [inForce, keys];
    if (ended.length > 0) this.#left.push({ at: now, quotes: ended });
    this.#rememberedAt = 0;
    return () => {
      const lead = now + STRAGGLERS_MS - Math.min(this.#clock(), now + STRAGGLERS_MS);
      for (const recent of shorten) recent.until -= lead;
    };
  }

  /** Writes down that the plan's offers are in force, when that is due. */
  async remember(): Promise<void> {
    const now = this.#clock();
    if (Math.abs(now - this.#rememberedAt) < REMEMBER_MS) return;
    for (let left = this.#left[0]; left !== undefined; left = this.#left[0]) {
      await this.#quotes.rememberQuotes(left.quotes, left.at);
      this.#left.shift();
    }
    if (this.#inForce.length > 0) await this.#quotes.rememberQuotes(this.#inForce, now);
    this.#rememberedAt = now;
  }

  /** @param seenAt Unix milliseconds when it was last in force */
  #honour({ route, offer }: InForce, seenAt: number): RecentOffer | undefined {
    const ofRoute = this.#byRoute.get(route) ?? new Map<string, RecentOffer>();
    const recent = ofRoute.get(offer) ?? decode(offer);
    if (recent === undefined) return undefined;
    recent.until = Math.max(recent.until, seenAt + recent.offer.maxTimeoutSeconds * 1000);
    ofRoute.set(offer, recent);
    this.#byRoute.set(route, ofRoute);
    return recent;
  }

  #forget(now: number): void {
    for (const [route, recent] of this.#byRoute) {
      for (const [offer, { until }] of recent) if (until < now) recent.delete(offer);
      if (recent.size === 0) this.#byRoute.delete(route);
    }
  }

  /** One read at a time, and one that waits for it. */
  async #lookSoon(): Promise<void> {
    await this.#looked;
    this.#look = undefined;
    const pause = Promise.withResolvers<void>();
    this.#looked = pause.promise;
    setTimeout(() => pause.resolve(), LOOK_UP_MS).unref();
    await this.recall().then(
      (honour) => honour(),
      () => {},
    );
  }
}

/** Routes share offers: each is encoded once, and its text is stored once. */
function inForceOf(routes: readonly Route[]): readonly InForce[] {
  const texts = new Map<Offer, string>();
  const textOf = (offer: Offer): string => {
    const text = texts.get(offer) ?? JSON.stringify(storeOffer(offer));
    texts.set(offer, text);
    return text;
  };
  return routes
    .flatMap(paidPrices)
    .flatMap(({ id, offers }) => offers.map((offer) => ({ route: id, offer: textOf(offer) })));
}

/** The texts of the offers in force, by the id of their price. */
type OffersByRoute = ReadonlyMap<string, readonly string[]>;

function byRoute(quotes: readonly InForce[]): OffersByRoute {
  const offers = new Map<string, readonly string[]>();
  for (const { route, offer } of quotes) offers.set(route, [...(offers.get(route) ?? []), offer]);
  return offers;
}

function holds(offers: OffersByRoute, { route, offer }: InForce): boolean {
  return offers.get(route)?.includes(offer) ?? false;
}

function decode(text: string): RecentOffer | undefined {
  const stored: StoredOffer = JSON.parse(text);
  const offer = restoreOffer(stored);
  return offer && { offer, until: 0 };
}
