import { type Offer, restoreOffer, type StoredOffer, storeOffer } from '../domain/offer.ts';
import type { Route } from '../domain/route.ts';
import type { Quotes } from '../store/quotes.ts';

/** Longest time that an offer is honoured after it was last in force, in milliseconds: bounds what is kept. */
const LONGEST_MS = 24 * 3600_000;

/** How often the offers in force are written down, in milliseconds: a crash shortens what is honoured by so much. */
const REMEMBER_MS = 5000;

interface RecentOffer {
  readonly offer: Offer;
  /** Unix milliseconds after which it is honoured no more. */
  readonly until: number;
}

/**
 * The offers that were in force before this plan: a payment made for a price that was quoted is accepted for the
 * quote's lifetime (`maxTimeoutSeconds`), over price changes and restarts.
 */
export class RecentOffers {
  readonly #quotes: Quotes;
  readonly #clock: () => number;
  readonly #inForce: readonly { route: string; offer: string }[];
  #byRoute: ReadonlyMap<string, readonly RecentOffer[]> = new Map();
  #rememberedAt = 0;

  constructor(quotes: Quotes, routes: readonly Route[], clock: () => number) {
    this.#quotes = quotes;
    this.#clock = clock;
    this.#inForce = routes.flatMap(({ name, price }) =>
      price.kind === 'free' ? [] : price.offers.map((offer) => ({ route: name, offer: encode(offer) })),
    );
  }

  /** Reads what was in force before. Called once, before the first request. */
  async load(): Promise<void> {
    const now = this.#clock();
    const inForce = new Set(this.#inForce.map(({ route, offer }) => `${route}\n${offer}`));
    const byRoute = new Map<string, RecentOffer[]>();
    for (const { route, offer, seenAt } of await this.#quotes.recallQuotes(now - LONGEST_MS)) {
      const restored = inForce.has(`${route}\n${offer}`) ? undefined : decode(offer);
      if (restored === undefined) continue;
      const until = seenAt + restored.maxTimeoutSeconds * 1000;
      byRoute.set(route, [...(byRoute.get(route) ?? []), { offer: restored, until }]);
    }
    this.#byRoute = byRoute;
  }

  /** The offers of a route that are still honoured at `now` (Unix milliseconds). */
  of(route: string, now: number): readonly Offer[] {
    const recent = this.#byRoute.get(route);
    return recent === undefined ? [] : recent.filter(({ until }) => now <= until).map(({ offer }) => offer);
  }

  /** Writes down that the plan's offers are in force, when it is time to. */
  async remember(): Promise<void> {
    const now = this.#clock();
    if (now - this.#rememberedAt < REMEMBER_MS || this.#inForce.length === 0) return;
    await this.#quotes.rememberQuotes(this.#inForce, now);
    this.#rememberedAt = now;
  }
}

function encode(offer: Offer): string {
  return JSON.stringify(storeOffer(offer));
}

function decode(text: string): Offer | undefined {
  const stored: StoredOffer = JSON.parse(text);
  return restoreOffer(stored);
}
