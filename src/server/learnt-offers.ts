import type { Offer } from '../domain/offer.ts';
import { settingsText } from '../domain/same-settings.ts';
import type { JsonObject } from '../domain/x402.ts';
import type { FacilitatorPool } from '../facilitator/failover.ts';
import type { GasSponsoring } from '../protocol/gas-sponsoring.ts';
import { findScheme, type Scheme } from '../scheme/scheme.ts';
import { sponsoringFor } from './sponsored-approval.ts';

/**
 * The offers of a plan, completed by what their facilitators state, such as the account that pays the fees. An offer
 * that needs such a fact is not made before the fact is known: nobody could pay it.
 *
 * What is in force changes only in {@link adopt}, so that it can be written down before.
 */
export class LearntOffers {
  readonly #schemes: readonly Scheme[];
  readonly #pool: FacilitatorFacts;
  /** By the plan's offer; `undefined` for one that cannot be made. Offers that need no facts are absent. */
  #learnt: ReadonlyMap<Offer, Offer | undefined> = new Map();
  #lists = new WeakMap<readonly Offer[], readonly Offer[]>();
  /** By the plan's offer whose approval of Permit2 the facilitator pays; the others are absent. */
  #sponsored: Sponsored = new Map();

  constructor(schemes: readonly Scheme[], pool: FacilitatorFacts) {
    this.#schemes = schemes;
    this.#pool = pool;
  }

  /** The offers made of a list of the plan's. Returns the same list as long as nothing changes. */
  of(offers: readonly Offer[]): readonly Offer[] {
    const known = this.#lists.get(offers);
    if (known !== undefined) return known;
    const made = this.#with(this.#learnt, offers);
    this.#lists.set(offers, made);
    return made;
  }

  /** How facilitators pay for an approval of Permit2 that a payer of these offers may lack. */
  sponsoringOf(offers: readonly Offer[]): readonly GasSponsoring[] {
    return [...new Set(offers.flatMap((offer) => this.#sponsored.get(offer) ?? []))];
  }

  /** What the facilitators state now; `undefined` when it equals what is in force. */
  look(offers: Iterable<Offer>): Lesson | undefined {
    const learnt = new Map<Offer, Offer | undefined>();
    const sponsored = new Map<Offer, readonly GasSponsoring[]>();
    for (const offer of offers) {
      const kinds = sponsoringFor(offer, this.#pool.extensionsFor(offer));
      if (kinds.length > 0) sponsored.set(offer, kinds);
      const facts = findScheme(this.#schemes, offer.scheme, offer.network)?.facts;
      if (facts === undefined || learnt.has(offer)) continue;
      const extra = this.#pool.extraFor(offer);
      learnt.set(offer, this.#same(offer, extra && withFacts(offer, facts(extra))));
    }
    const isNew = [...learnt].some(([offer, made]) => !this.#learnt.has(offer) || this.#learnt.get(offer) !== made);
    if (!isNew && isSame(sponsored, this.#sponsored)) return undefined;
    return { of: (list) => this.#with(learnt, list), adopt: () => this.#adopt(learnt, sponsored) };
  }

  /** Returns the offer in force where the new one is equal, so that nothing is rebuilt for it. */
  #same(offer: Offer, made: Offer | undefined): Offer | undefined {
    const before = this.#learnt.get(offer);
    return before !== undefined && settingsText(before) === settingsText(made) ? before : made;
  }

  #with(learnt: ReadonlyMap<Offer, Offer | undefined>, offers: readonly Offer[]): readonly Offer[] {
    if (!offers.some((offer) => learnt.has(offer))) return offers;
    return offers.flatMap((offer) => (learnt.has(offer) ? (learnt.get(offer) ?? []) : [offer]));
  }

  #adopt(learnt: ReadonlyMap<Offer, Offer | undefined>, sponsored: Sponsored): void {
    this.#learnt = learnt;
    this.#sponsored = sponsored;
    this.#lists = new WeakMap();
  }
}

/** The facts of facilitators that offers need. */
type FacilitatorFacts = Pick<FacilitatorPool, 'extraFor' | 'extensionsFor'>;

type Sponsored = ReadonlyMap<Offer, readonly GasSponsoring[]>;

function isSame(one: Sponsored, other: Sponsored): boolean {
  return one.size === other.size && [...one].every(([offer, kinds]) => kinds.join() === other.get(offer)?.join());
}

/** New facts of facilitators, not in force yet. */
export interface Lesson {
  /** The offers that would be made of a list of the plan's. */
  of(offers: readonly Offer[]): readonly Offer[];
  /** Puts it in force. */
  adopt(): void;
}

function withFacts(offer: Offer, facts: JsonObject | undefined): Offer | undefined {
  if (facts === undefined) return undefined;
  const { requirements } = offer;
  // Our own values override those of a facilitator.
  const extra = { ...facts, ...requirements.extra };
  return { ...offer, learnt: Object.keys(facts), requirements: { ...requirements, extra } };
}
