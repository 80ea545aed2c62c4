import { GatewayError } from '../domain/gateway-error.ts';
import type { Offer } from '../domain/offer.ts';
import type { Payment } from '../domain/payment.ts';
import type { JsonObject, SupportedKind } from '../domain/x402.ts';
import type { Facilitator, Verification } from './facilitator.ts';
import { FIRST_RETRY_MS, PoolMember } from './pool-member.ts';

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

/**
 * The facilitators in their order of preference.
 *
 * A payment goes to the next one only on a fault. A refusal is an answer: asking around until somebody accepts would
 * make the most careless facilitator the one that counts. A settlement moves on only where nothing of it was sent
 * (`next`, see `settleInTurn`), which is why `verify` gives the facilitator along with its word.
 */
export class FacilitatorPool {
  readonly #members: readonly PoolMember[];
  readonly #schedule: Schedule;
  readonly #onFault: NonNullable<FacilitatorPoolDeps['onFault']>;
  readonly #onSupported: () => void;
  readonly #closing = new AbortController();

  constructor(list: readonly Facilitator[], deps: FacilitatorPoolDeps) {
    this.#members = list.map((facilitator) => new PoolMember(facilitator, deps.known?.(facilitator)));
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
    return this.#members.some((member) => member.serves(offer));
  }

  /**
   * Why no facilitator is there for this offer now, for operators; `undefined` when one is. A verification that fails has
   * its facilitator asked at once, so that an outage shows while nobody asks for the five minutes of a refresh.
   */
  absence(offer: Offer): string | undefined {
    const serving = this.#members.filter((member) => member.serves(offer));
    if (serving.some(({ isThere }) => isThere)) return undefined;
    const what = serving.length === 0 ? 'none that serves it has been reached' : 'none that serves it answers any more';
    const why = troublesOf(serving.length === 0 ? this.#members : serving);
    return why.length === 0 ? what : `${what} (${why.join('; ')})`;
  }

  /** What is wrong with facilitators of this offer while another one is there for it, for operators. */
  trouble(offer: Offer): string | undefined {
    const troubles = troublesOf(this.#members.filter((member) => member.serves(offer)));
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
   * Who would be asked first to verify a payment, where it takes it to settle without that. `undefined` where it does not,
   * and where it is away: what is refused at a door is better refused before anything is claimed.
   */
  takingUnverified(payment: Payment): Facilitator | undefined {
    const [first] = this.#candidates(payment.offer);
    return first?.isThere === true && first.facilitator.takeUnverified?.(payment) === true
      ? first.facilitator
      : undefined;
  }

  /** Who is asked first about an offer; `undefined` where none that serves it has been reached. */
  firstFor(offer: Offer): Facilitator | undefined {
    return this.#candidates(offer)[0]?.facilitator;
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
    const serving = this.#members.filter((member) => member.serves(offer));
    const first = serving.find(({ isThere }) => isThere) ?? serving[0];
    return first?.kindFor(offer);
  }

  /**
   * Who may be asked about an offer. One that was signed with a facilitator's own facts goes to nobody else, whose
   * refusal would be final and mean nothing. After a restart nobody remembers an old fact, and all are asked.
   */
  #candidates(offer: Offer): readonly PoolMember[] {
    const serving = this.#members.filter((member) => member.serves(offer));
    const own = serving.filter((member) => member.hasStated(offer));
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

  async #ask(member: PoolMember, signal: AbortSignal): Promise<void> {
    member.cancelNext();
    try {
      member.learn(await member.facilitator.supported(signal));
    } catch (fault) {
      member.fail(fault);
      if (!this.#closing.signal.aborted) this.#onFault(member.facilitator, 'supported', fault);
    }
    member.isDoubted = false;
    this.#askLater(member);
    this.#onSupported();
  }

  /** Has it asked soon whether it is there at all, once however many verifications fail meanwhile. */
  #doubt(member: PoolMember): void {
    if (member.isDoubted || member.isFailing || this.#closing.signal.aborted) return;
    member.isDoubted = true;
    this.#askIn(FIRST_RETRY_MS, member);
  }

  #askLater(member: PoolMember): void {
    if (!this.#closing.signal.aborted) this.#askIn(member.delayMs, member);
  }

  /** In place of the next call that is due: another one may have ended in the meantime and made its own appointment. */
  #askIn(delayMs: number, member: PoolMember): void {
    member.cancelNext();
    member.cancelNext = this.#schedule(delayMs, () => void this.#ask(member, this.#closing.signal));
  }
}

function troublesOf(members: readonly PoolMember[]): readonly string[] {
  return members.flatMap(({ trouble }) => trouble ?? []);
}

function unrefTimer(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
