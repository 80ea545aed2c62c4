import type { Offer } from '../domain/offer.ts';
import { settingsText } from '../domain/same-settings.ts';
import type { JsonObject } from '../domain/x402.ts';
import type { FacilitatorPool } from '../facilitator/failover.ts';
import { findScheme, type Scheme } from '../scheme/scheme.ts';

/**
 * The offers of a plan with what their facilitators say belongs into them, such as the account that pays the fees. An
 * offer of which nothing is known yet is not made: nobody could pay it.
 *
 * What is in force changes in {@link adopt} and nowhere else, so that it can be written down before.
 */
export class LearntOffers {
  readonly #schemes: readonly Scheme[];
  readonly #pool: Pick<FacilitatorPool, 'extraFor'>;
  /** By the plan's offer; `undefined` for one that cannot be made. Those that need nothing are not in it. */
  #learnt: ReadonlyMap<Offer, Offer | undefined> = new Map();
  #lists = new WeakMap<readonly Offer[], readonly Offer[]>();

  constructor(schemes: readonly Scheme[], pool: Pick<FacilitatorPool, 'extraFor'>) {
    this.#schemes = schemes;
    this.#pool = pool;
  }

  /** What is offered of a list of the plan's. The same list as long as nothing changes. */
  of(offers: readonly Offer[]): readonly Offer[] {
    const known = this.#lists.get(offers);
    if (known !== undefined) return known;
    const made = this.#with(this.#learnt, offers);
    this.#lists.set(offers, made);
    return made;
  }

  /** What the facilitators say now; `undefined` when that is what is in force. */
  look(offers: Iterable<Offer>): Lesson | undefined {
    const learnt = new Map<Offer, Offer | undefined>();
    for (const offer of offers) {
      const facts = findScheme(this.#schemes, offer.scheme, offer.network)?.facts;
      if (facts === undefined || learnt.has(offer)) continue;
      const extra = this.#pool.extraFor(offer);
      learnt.set(offer, this.#same(offer, extra && withFacts(offer, facts(extra))));
    }
    const isNew = [...learnt].some(([offer, made]) => !this.#learnt.has(offer) || this.#learnt.get(offer) !== made);
    return isNew ? { of: (list) => this.#with(learnt, list), adopt: () => this.#adopt(learnt) } : undefined;
  }

  /** The one in force where the new one says the same, so that nothing is made anew for it. */
  #same(offer: Offer, made: Offer | undefined): Offer | undefined {
    const before = this.#learnt.get(offer);
    return before !== undefined && settingsText(before) === settingsText(made) ? before : made;
  }

  #with(learnt: ReadonlyMap<Offer, Offer | undefined>, offers: readonly Offer[]): readonly Offer[] {
    if (!offers.some((offer) => learnt.has(offer))) return offers;
    return offers.flatMap((offer) => (learnt.has(offer) ? (learnt.get(offer) ?? []) : [offer]));
  }

  #adopt(learnt: ReadonlyMap<Offer, Offer | undefined>): void {
    this.#learnt = learnt;
    this.#lists = new WeakMap();
  }
}

/** What facilitators say of offers, not in force yet. */
export interface Lesson {
  /** What would be offered of a list of the plan's. */
  of(offers: readonly Offer[]): readonly Offer[];
  /** Puts it in force. */
  adopt(): void;
}

function withFacts(offer: Offer, facts: JsonObject | undefined): Offer | undefined {
  if (facts === undefined) return undefined;
  const { requirements } = offer;
  // What is ours stands above what a facilitator says.
  const extra = { ...facts, ...requirements.extra };
  return { ...offer, learnt: Object.keys(facts), requirements: { ...requirements, extra } };
}
