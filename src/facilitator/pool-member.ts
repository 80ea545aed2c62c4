import { GatewayError } from '../domain/gateway-error.ts';
import type { Offer } from '../domain/offer.ts';
import { settingsText } from '../domain/same-settings.ts';
import type { SupportedKind } from '../domain/x402.ts';
import { covers, coversKind, type Facilitator } from './facilitator.ts';

/** How old the answer to `/supported` may become, in milliseconds. */
const REFRESH_MS = 5 * 60_000;
/** First wait before a facilitator that failed is asked again, in milliseconds. */
export const FIRST_RETRY_MS = 1000;
/** Longest wait before a facilitator that was never reached is asked again, in milliseconds. */
const LONGEST_RETRY_MS = 60_000;
/** The same for one that was reached before, in milliseconds: the gateway is not ready while it is unavailable. */
const LONGEST_RETURN_MS = 10_000;
/** Failures in a row after which a facilitator counts as unreachable. One may be chance. */
const AWAY_FAILURES = 2;
/** Most facts that are remembered of a facilitator: one that states a new one each time must not fill the memory. */
const MOST_FACTS = 4096;

/** One facilitator of a pool, and what is known about it. */
export class PoolMember {
  readonly facilitator: Facilitator;
  /** Whether a verification failed since the last call of `supported`. */
  isDoubted = false;
  /** Cancels the next call of `supported`. */
  cancelNext: () => void = () => undefined;
  /** The last good answer to `supported`; kept through outages. */
  #kinds: readonly SupportedKind[] | undefined;
  /** Every kind that it ever supported. */
  readonly #had: SupportedKind[] = [];
  /** Every fact that it ever stated of a kind, see {@link factText}. */
  readonly #stated = new Set<string>();
  /** Calls of `supported` in a row that failed. */
  #failures = 0;
  /** Calls in a row that failed or lacked a kind of an earlier answer: after them the next call is made sooner. */
  #wanting = 0;
  /** The fault of the last of these. */
  #trouble: string | undefined;

  /** @param known what it supports, as another pool knows it */
  constructor(facilitator: Facilitator, known: readonly SupportedKind[] | undefined) {
    this.facilitator = facilitator;
    this.#kinds = known;
    this.#remember(known ?? []);
  }

  /** What it supports by its last answer; `undefined` for one that was never reached. */
  get kinds(): readonly SupportedKind[] | undefined {
    return this.#kinds;
  }

  /** Whether it answers, and is not resting. */
  get isThere(): boolean {
    return this.#failures < AWAY_FAILURES && this.facilitator.resting === undefined;
  }

  /** Whether its last call of `supported` failed. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  /** What is wrong with it, for operators. */
  get trouble(): string | undefined {
    const what = this.facilitator.resting ?? this.#trouble;
    return what && `${this.facilitator.name}: ${what}`;
  }

  /** Milliseconds until it is asked again: fewer while it was never reached, fails, or lacks a kind that it had. */
  get delayMs(): number {
    if (this.#wanting === 0) return REFRESH_MS;
    const longest = this.#kinds === undefined ? LONGEST_RETRY_MS : LONGEST_RETURN_MS;
    return Math.min(FIRST_RETRY_MS * 2 ** (this.#wanting - 1), longest);
  }

  /** Whether it has been reached and settles this offer. */
  serves(offer: Offer): boolean {
    return this.#kinds !== undefined && covers(this.#kinds, offer);
  }

  /** What it says of an offer. */
  kindFor(offer: Offer): SupportedKind | undefined {
    return this.#kinds?.find((kind) => coversKind(kind, offer));
  }

  /** Whether it has stated all the facilitator's facts in an offer at some time. */
  hasStated(offer: Offer): boolean {
    const { learnt = [], requirements } = offer;
    return learnt.every((name) => this.#stated.has(factText(offer, name, requirements.extra[name])));
  }

  /** Takes a good answer to `supported`. */
  learn(kinds: readonly SupportedKind[]): void {
    const lost = this.#had.find((kind) => !isAmong(kind, kinds));
    this.#kinds = kinds;
    this.#had.push(...kinds.filter((kind) => !isAmong(kind, this.#had)));
    this.#failures = 0;
    this.#wanting = lost === undefined ? 0 : this.#wanting + 1;
    this.#trouble = lost && `it no longer serves ${lost.scheme} on ${lost.network}`;
    this.#remember(kinds);
  }

  /** Notes that a call of `supported` failed. */
  fail(fault: unknown): void {
    this.#failures += 1;
    this.#wanting += 1;
    this.#trouble = describeFault(fault);
  }

  #remember(kinds: readonly SupportedKind[]): void {
    for (const kind of kinds) {
      for (const [name, value] of Object.entries(kind.extra ?? {})) {
        if (this.#stated.size >= MOST_FACTS) this.#stated.clear();
        this.#stated.add(factText(kind, name, value));
      }
    }
  }
}

function factText(
  { scheme, network }: Pick<Offer, 'scheme'> & { network: string },
  name: string,
  value: unknown,
): string {
  return JSON.stringify([scheme, network, name, settingsText(value)]);
}

function isAmong(kind: SupportedKind, kinds: readonly SupportedKind[]): boolean {
  const { x402Version, scheme, network } = kind;
  return kinds.some((one) => one.x402Version === x402Version && one.scheme === scheme && one.network === network);
}

/** The public words only: a cause may name what buyers and others must not see. */
function describeFault(fault: unknown): string {
  if (!(fault instanceof GatewayError)) return 'it failed';
  return fault.detail ?? fault.message;
}
