import { GatewayError } from '../domain/gateway-error.ts';
import type { Offer } from '../domain/offer.ts';
import type { Payment } from '../domain/payment.ts';
import type { JsonObject, SupportedKind } from '../domain/x402.ts';
import type { Facilitator, ForeignTransfer, Verification } from './facilitator.ts';
import { FIRST_RETRY_MS, PoolMember } from './pool-member.ts';

/** A verification, and the facilitator that gave it: only this one may be asked to settle the payment. */
export interface PoolVerification {
  readonly verification: Verification;
  readonly facilitator: Facilitator;
}

/** Runs something once after a delay in milliseconds; the returned function calls it off. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

/** The dependencies of the pool. */
export interface FacilitatorPoolDeps {
  /** Default: a timer that does not keep the process alive. */
  readonly schedule?: Schedule;
  /** What another list already knows about a facilitator. Default: nothing. */
  readonly known?: (facilitator: Facilitator) => readonly SupportedKind[] | undefined;
  /** Is told when a facilitator answered what it supports. Must not throw. */
  readonly onSupported?: () => void;
  /** Called with each fault after which the pool went on, for logs and metrics. Must not throw. */
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
 * A payment goes to the next facilitator only on a fault. A refusal is an answer: if the pool asked until one accepts,
 * the most careless facilitator would decide. A settlement moves on only where nothing of it was sent (`next`, see
 * `settleInTurn`), which is why `verify` returns the facilitator with its answer.
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
   * Asks every facilitator without a known answer what it supports, and waits for all of them. A facilitator's fault
   * never rejects it. From then on all facilitators are asked again at intervals, until `stop`.
   */
  async begin(signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    await Promise.all(
      this.#members.map((member) => (member.kinds === undefined ? this.#ask(member, either) : this.#askLater(member))),
    );
  }

  /**
   * Asks every facilitator what it supports and waits for all of them. A facilitator's fault never rejects it: its last
   * good answer is kept. From the first call on each is asked again at intervals, until `stop`.
   */
  async refresh(signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    await Promise.all(this.#members.map((member) => this.#ask(member, either)));
  }

  /** The facilitator of that name, which alone may finish what it began. */
  named(name: string): Facilitator | undefined {
    return this.#members.find((member) => member.facilitator.name === name)?.facilitator;
  }

  /** The last good answer of a facilitator of this list about what it supports. */
  kindsOf(facilitator: Facilitator): readonly SupportedKind[] | undefined {
    return this.#members.find((member) => member.facilitator === facilitator)?.kinds;
  }

  /** Whether every facilitator has been reached: then no answer is missing that could cover a further offer. */
  get allReached(): boolean {
    return this.#members.every((member) => member.kinds !== undefined);
  }

  /** Whether a facilitator that has been reached can settle this offer. */
  covers(offer: Offer): boolean {
    return this.#members.some((member) => member.serves(offer));
  }

  /**
   * Why no facilitator is available for this offer now, for operators; `undefined` when one is. After a failed
   * verification its facilitator is soon asked what it supports, so that an outage shows before the next refresh, which
   * is up to five minutes away.
   */
  absence(offer: Offer): string | undefined {
    const serving = this.#members.filter((member) => member.serves(offer));
    if (serving.some(({ isThere }) => isThere)) return undefined;
    const what = serving.length === 0 ? 'none that serves it has been reached' : 'none that serves it answers any more';
    const why = troublesOf(serving.length === 0 ? this.#members : serving);
    return why.length === 0 ? what : `${what} (${why.join('; ')})`;
  }

  /** What is wrong with facilitators that serve this offer, for operators; also where another one is available. */
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
        // The caller has stopped waiting: the next facilitator would get an aborted signal.
        if (signal.aborted) break;
        if (fault.code !== 'facilitator_overloaded') this.#doubt(member);
      }
    }
    throw (
      last ?? new GatewayError('facilitator_unreachable', { detail: 'None that serves this offer has been reached.' })
    );
  }

  /**
   * The facilitator that would be asked first to verify a payment, where it can settle without a verification.
   * `undefined` where it cannot, and where it is unavailable: a refusal is better before the payment is claimed than
   * after it.
   */
  takingUnverified(payment: Payment): Facilitator | undefined {
    const [first] = this.#candidates(payment.offer);
    return first?.isThere === true && first.facilitator.takeUnverified?.(payment) === true
      ? first.facilitator
      : undefined;
  }

  /**
   * Looks for a transfer that somebody else made with this payment's authorization, see `Facilitator.findForeign`: with
   * the first facilitator that sees the chain, whichever of them judged the payment.
   *
   * @throws GatewayError the first one's fault when none can tell
   */
  async findForeign(payment: Payment, signal: AbortSignal): Promise<ForeignTransfer> {
    let fault: unknown;
    for (const member of this.#members.filter((one) => one.serves(payment.offer))) {
      try {
        const found = await member.facilitator.findForeign?.(payment, signal);
        if (found !== undefined && found.kind !== 'unseen') return found;
      } catch (thrown) {
        fault ??= thrown;
        if (signal.aborted) break;
      }
    }
    if (fault !== undefined) throw fault;
    return { kind: 'unseen' };
  }

  /** The facilitator that is asked first about an offer; `undefined` where none that serves it has been reached. */
  firstFor(offer: Offer): Facilitator | undefined {
    return this.#candidates(offer)[0]?.facilitator;
  }

  /**
   * The next facilitator for a payment of which the earlier ones sent nothing: it covers the offer and finds the
   * payment valid. `undefined` when none is left, none answers, or the first that answers refuses: a refusal is an
   * answer here, too.
   *
   * @param tried the facilitators that were asked; `why` is reported as a settlement fault of the last one
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
   * The `extra` of the first available facilitator that serves an offer, or of the first that serves it where none is
   * available; an empty object where it has none. `undefined` when none that serves it has been reached.
   */
  extraFor(offer: Offer): JsonObject | undefined {
    const kind = this.#kindFor(offer);
    return kind && (kind.extra ?? {});
  }

  /** The extensions that the same facilitator lists: additions that payments for the offer may carry. */
  extensionsFor(offer: Offer): readonly string[] {
    return this.#kindFor(offer)?.extensions ?? [];
  }

  #kindFor(offer: Offer): SupportedKind | undefined {
    const serving = this.#members.filter((member) => member.serves(offer));
    const first = serving.find(({ isThere }) => isThere) ?? serving[0];
    return first?.kindFor(offer);
  }

  /**
   * The facilitators that may be asked about an offer. An offer that holds a facilitator's own facts goes to no other
   * one: the other's refusal would be final, although it means nothing. After a restart old facts are forgotten, and
   * all are asked.
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

  /** Asks a facilitator soon whether it is available: once, however many verifications fail meanwhile. */
  #doubt(member: PoolMember): void {
    if (member.isDoubted || member.isFailing || this.#closing.signal.aborted) return;
    member.isDoubted = true;
    this.#askIn(FIRST_RETRY_MS, member);
  }

  #askLater(member: PoolMember): void {
    if (!this.#closing.signal.aborted) this.#askIn(member.delayMs, member);
  }

  /** Replaces the scheduled call: another call may have ended in the meantime and scheduled its own. */
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
