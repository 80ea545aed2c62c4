import { GatewayError } from '../domain/gateway-error.ts';
import type { Offer } from '../domain/offer.ts';
import type { Payment } from '../domain/payment.ts';
import { settingsText } from '../domain/same-settings.ts';
import type { JsonObject, SupportedKind } from '../domain/x402.ts';
import { covers, coversKind, type Facilitator, type Verification } from './facilitator.ts';

/** A verification, and who gave it: only that facilitator may be asked to settle the payment. */
export interface PoolVerification {
  readonly verification: Verification;
  readonly facilitator: Facilitator;
}

/** Runs something once after a delay in milliseconds; the returned function calls it off. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

/** What the pool takes from the world around it. */
export interface FacilitatorPoolDeps {
  /** Default: a timer that does not keep the process alive. */
  readonly schedule?: Schedule;
  /** What is known already of a facilitator, from another list that it stands in. Default: nothing. */
  readonly known?: (facilitator: Facilitator) => readonly SupportedKind[] | undefined;
  /** Is told when a facilitator answered what it supports. Must not throw. */
  readonly onSupported?: () => void;
  /** Is told of each fault that the pool went past, for logs and metrics. Must not throw. */
  readonly onFault?: (facilitator: Facilitator, operation: 'supported' | 'verify' | 'settle', fault: unknown) => void;
}

/** How old `/supported` may get before it is asked for again, in milliseconds. */
const REFRESH_MS = 5 * 60_000;
/** First and longest wait before a facilitator that was never reached is tried again, in milliseconds. */
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/** Longest wait for one that was reached before, in milliseconds: the gateway is not ready while it is away. */
const LONGEST_RETURN_MS = 10_000;
/** After how many failures in a row a facilitator counts as away. One is a hiccup. */
const AWAY_FAILURES = 2;

/**
 * Makes one ordered list of facilitators out of the configuration's. Nothing is covered before the first `refresh`.
 *
 * @example
 * const pool = orderedFacilitators([first, second]);
 * await pool.refresh(signal);
 * const { verification, facilitator } = await pool.verify(payment, signal);
 * if (verification.kind === 'valid') await facilitator.settle(payment, payment.offer.amount, journal);
 */
export function orderedFacilitators(list: readonly Facilitator[], deps: FacilitatorPoolDeps = {}): FacilitatorPool {
  return new FacilitatorPool(list, deps);
}

/** One facilitator and what is known about it. */
interface Member {
  readonly facilitator: Facilitator;
  /** The last good answer to `supported`; kept through outages. */
  kinds: readonly SupportedKind[] | undefined;
  /** Everything that it ever said it supports. */
  readonly had: SupportedKind[];
  /** Every fact that it ever stated of a kind, see {@link factText}. */
  readonly stated: Set<string>;
  /** Calls of `supported` in a row that failed. */
  failures: number;
  /** Those that failed or lacked what an earlier one had: the next is made sooner. */
  wanting: number;
  /** What the last of these came to. */
  trouble: string | undefined;
  /** Whether a verification failed since it was asked last. */
  doubted: boolean;
  cancelNext: () => void;
}

/**
 * The facilitators in their order of preference.
 *
 * A payment goes to the next one only on a fault. A refusal is an answer: asking around until somebody accepts would
 * make the most careless facilitator the one that counts. A settlement moves on only where nothing of it was sent
 * (`next`, see `settleInTurn`), which is why `verify` gives the facilitator along with its word.
 */
export class FacilitatorPool {
  readonly #members: readonly Member[];
  readonly #schedule: Schedule;
  readonly #onFault: NonNullable<FacilitatorPoolDeps['onFault']>;
  readonly #onSupported: () => void;
  readonly #closing = new AbortController();

  constructor(list: readonly Facilitator[], deps: FacilitatorPoolDeps) {
    this.#members = list.map((facilitator) => ({
      facilitator,
      kinds: deps.known?.(facilitator),
      had: [],
      stated: new Set(factTexts(deps.known?.(facilitator) ?? [])),
      failures: 0,
      wanting: 0,
      trouble: undefined,
      doubted: false,
      cancelNext: () => undefined,
    }));
    this.#schedule = deps.schedule ?? unrefTimer;
    this.#onFault = deps.onFault ?? (() => undefined);
    this.#onSupported = deps.onSupported ?? (() => undefined);
  }

  /**
   * Asks every facilitator of which nothing is known yet what it supports, and waits for all of them. Never rejects for
   * a facilitator. The others are asked again by themselves from then on, until `stop`.
   */
  async begin(signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    await Promise.all(
      this.#members.map((member) => (member.kinds === undefined ? this.#ask(member, either) : this.#askLater(member))),
    );
  }

  /**
   * Asks every facilitator what it supports and waits for all of them. Never rejects for a facilitator: it keeps its
   * last good answer. From the first call on each is asked again by itself, until `stop`.
   */
  async refresh(signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    await Promise.all(this.#members.map((member) => this.#ask(member, either)));
  }

  /** The facilitator of that name, which alone may finish what it began. */
  named(name: string): Facilitator | undefined {
    return this.#members.find((member) => member.facilitator.name === name)?.facilitator;
  }

  /** What a facilitator of this list said last that it supports. */
  kindsOf(facilitator: Facilitator): readonly SupportedKind[] | undefined {
    return this.#members.find((member) => member.facilitator === facilitator)?.kinds;
  }

  /** Whether every facilitator has been reached, so that what is not covered will not be. */
  get allReached(): boolean {
    return this.#members.every((member) => member.kinds !== undefined);
  }

  /** Whether a facilitator that has been reached can settle this offer. */
  covers(offer: Offer): boolean {
    return this.#members.some((member) => serves(member, offer));
  }

  /**
   * Why no facilitator is there for this offer now, for operators; `undefined` when one is. A verification that fails has
   * its facilitator asked at once, so that an outage shows while nobody asks for the five minutes of a refresh.
   */
  absence(offer: Offer): string | undefined {
    const serving = this.#members.filter((member) => serves(member, offer));
    if (serving.some(isThere)) return undefined;
    const what = serving.length === 0 ? 'none that serves it has been reached' : 'none that serves it answers any more';
    const why = (serving.length === 0 ? this.#members : serving).flatMap(troubleOf);
    return why.length === 0 ? what : `${what} (${why.join('; ')})`;
  }

  /** What is wrong with facilitators of this offer while another one is there for it, for operators. */
  trouble(offer: Offer): string | undefined {
    const troubles = this.#members.filter((member) => serves(member, offer)).flatMap(troubleOf);
    return troubles.length === 0 ? undefined : troubles.join('; ');
  }

  /**
   * Asks the facilitators that cover the payment's offer, in order, until one answers.
   *
   * @throws GatewayError the last one's fault when none answers; `facilitator_unreachable` when none is known to cover
   *   the offer. What is not a facilitator's fault is thrown at once.
   */
  async verify(payment: Payment, signal: AbortSignal): Promise<PoolVerification> {
    let last: GatewayError | undefined;
    for (const member of this.#candidates(payment.offer)) {
      try {
        return { verification: await member.facilitator.verify(payment, signal), facilitator: member.facilitator };
      } catch (fault) {
        if (!(fault instanceof GatewayError) || fault.meaning.source !== 'facilitator') throw fault;
        this.#onFault(member.facilitator, 'verify', fault);
        last = fault;
        // Nobody waits any more: the next one would only be told to stop.
        if (signal.aborted) break;
        if (fault.code !== 'facilitator_overloaded') this.#doubt(member);
      }
    }
    throw (
      last ?? new GatewayError('facilitator_unreachable', { detail: 'None that serves this offer has been reached.' })
    );
  }

  /**
   * Who takes a payment that others were asked to settle and sent nothing of: the next one that covers its offer and
   * finds it valid. `undefined` when nobody is left, none answers, or the first that answers refuses: a refusal is an
   * answer here, too.
   *
   * @param tried those that were asked; the last one is told of with `why`, as a fault of its settlement
   */
  async next(
    payment: Payment,
    tried: ReadonlySet<Facilitator>,
    why: unknown,
    signal: AbortSignal,
  ): Promise<Facilitator | undefined> {
    const last = [...tried].at(-1);
    if (last !== undefined) this.#onFault(last, 'settle', why);
    for (const member of this.#candidates(payment.offer)) {
      if (tried.has(member.facilitator)) continue;
      try {
        const { kind } = await member.facilitator.verify(payment, signal);
        return kind === 'valid' ? member.facilitator : undefined;
      } catch (fault) {
        this.#onFault(member.facilitator, 'verify', fault);
        if (signal.aborted) return undefined;
      }
    }
    return undefined;
  }

  /**
   * What the first facilitator that serves an offer, and is there, says of it besides that; an empty object where it
   * says nothing. `undefined` when none that serves it has been reached.
   */
  extraFor(offer: Offer): JsonObject | undefined {
    const kind = this.#kindFor(offer);
    return kind && (kind.extra ?? {});
  }

  /** The extensions that this first facilitator lists: what payments for the offer may carry, besides the payment itself. */
  extensionsFor(offer: Offer): readonly string[] {
    return this.#kindFor(offer)?.extensions ?? [];
  }

  #kindFor(offer: Offer): SupportedKind | undefined {
    const serving = this.#members.filter((member) => serves(member, offer));
    const first = serving.find(isThere) ?? serving[0];
    return first?.kinds?.find((one) => coversKind(one, offer));
  }

  /**
   * Who may be asked about an offer. One that was signed with a facilitator's own facts goes to nobody else, whose
   * refusal would be final and mean nothing. After a restart nobody remembers an old fact, and all are asked.
   */
  #candidates(offer: Offer): readonly Member[] {
    const serving = this.#members.filter((member) => serves(member, offer));
    if (offer.learnt === undefined || offer.learnt.length === 0) return serving;
    const facts = offer.learnt.map((name) => factText(offer, name, offer.requirements.extra[name]));
    const own = serving.filter(({ stated }) => facts.every((fact) => stated.has(fact)));
    return own.length === 0 ? serving : own;
  }

  /** Stops asking. The facilitators stay open. */
  stop(): void {
    this.#closing.abort();
    for (const member of this.#members) member.cancelNext();
  }

  /** Stops asking and closes every facilitator. Rejects with the first failure, after all have been closed. */
  async close(): Promise<void> {
    this.stop();
    const closed = await Promise.allSettled(this.#members.map(({ facilitator }) => facilitator.close()));
    const failure = closed.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  async #ask(member: Member, signal: AbortSignal): Promise<void> {
    member.cancelNext();
    try {
      const kinds = await member.facilitator.supported(signal);
      const lost = member.had.find((kind) => !isAmong(kind, kinds));
      member.kinds = kinds;
      member.had.push(...kinds.filter((kind) => !isAmong(kind, member.had)));
      member.failures = 0;
      member.wanting = lost === undefined ? 0 : member.wanting + 1;
      member.trouble = lost && `it no longer serves ${lost.scheme} on ${lost.network}`;
      remember(member.stated, factTexts(kinds));
    } catch (fault) {
      member.failures += 1;
      member.wanting += 1;
      member.trouble = describeFault(fault);
      if (!this.#closing.signal.aborted) this.#onFault(member.facilitator, 'supported', fault);
    }
    member.doubted = false;
    this.#askLater(member);
    this.#onSupported();
  }

  /** Has it asked soon whether it is there at all, once however many verifications fail meanwhile. */
  #doubt(member: Member): void {
    if (member.doubted || member.failures > 0 || this.#closing.signal.aborted) return;
    member.doubted = true;
    member.cancelNext();
    member.cancelNext = this.#schedule(FIRST_RETRY_MS, () => void this.#ask(member, this.#closing.signal));
  }

  #askLater(member: Member): void {
    if (this.#closing.signal.aborted) return;
    // Another call may have ended in the meantime and made its own appointment.
    member.cancelNext();
    member.cancelNext = this.#schedule(delayOf(member), () => void this.#ask(member, this.#closing.signal));
  }
}

function isThere({ failures, facilitator }: Member): boolean {
  return failures < AWAY_FAILURES && facilitator.resting === undefined;
}

function serves({ kinds }: Member, offer: Offer): boolean {
  return kinds !== undefined && covers(kinds, offer);
}

/** Most facts that are remembered of a facilitator: one that makes up a new one each time must not fill the memory. */
const MOST_FACTS = 4096;

function remember(stated: Set<string>, facts: readonly string[]): void {
  for (const fact of facts) {
    if (stated.size >= MOST_FACTS) stated.clear();
    stated.add(fact);
  }
}

function factTexts(kinds: readonly SupportedKind[]): readonly string[] {
  return kinds.flatMap((kind) => Object.entries(kind.extra ?? {}).map(([name, value]) => factText(kind, name, value)));
}

function factText(
  { scheme, network }: Pick<Offer, 'scheme'> & { network: string },
  name: string,
  value: unknown,
): string {
  return JSON.stringify([scheme, network, name, settingsText(value)]);
}

function troubleOf({ facilitator, trouble }: Member): readonly string[] {
  const what = facilitator.resting ?? trouble;
  return what === undefined ? [] : [`${facilitator.name}: ${what}`];
}

/** Impatient while there is nothing to go by, or while it is away, in whole or for one network. */
function delayOf({ kinds, wanting }: Member): number {
  if (wanting === 0) return REFRESH_MS;
  return Math.min(FIRST_RETRY_MS * 2 ** (wanting - 1), kinds === undefined ? LONGEST_RETRY_MS : LONGEST_RETURN_MS);
}

function isAmong(kind: SupportedKind, kinds: readonly SupportedKind[]): boolean {
  const { x402Version, scheme, network } = kind;
  return kinds.some((one) => one.x402Version === x402Version && one.scheme === scheme && one.network === network);
}

/** The public words only: a cause may name what is nobody's business. */
function describeFault(fault: unknown): string {
  if (!(fault instanceof GatewayError)) return 'it failed';
  return fault.detail ?? fault.message;
}

function unrefTimer(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
