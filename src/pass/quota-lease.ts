import { type PassId, passEnd } from '../domain/pass.ts';
import type { LeaseOutcome, Passes, Quotas } from '../store/passes.ts';
import type { QuotaOutcome, QuotaTime, QuotaUnit } from './quota.ts';
import { Stall } from './stall.ts';
import { type Waiter, WaitingLine } from './waiting-line.ts';

/** Milliseconds without a request after which lent units are returned to the store, for other processes. */
const IDLE_MS = 100;
/** Milliseconds that a request waits for units which other processes may return: several times {@link IDLE_MS}. */
const PATIENCE_MS = 1000;
/**
 * Milliseconds between two reads of a pass that had nothing left: bounds the store calls of a flood on a used-up pass.
 */
const PACE_MS = 50;
/** Milliseconds until units are returned again after the store was unavailable. */
const STORE_AWAY_MS = 1000;
/** Most units leased beyond those that requests wait for. */
const BLOCK = 64;
/** The share of what is left that one process may hold: the nearer the end, the smaller. */
const SHARE = 8;

/** The part of the store that leases need. */
export type QuotaStore = Quotas & Pick<Passes, 'findPass'>;

/**
 * The units of one pass that are lent to this process. `held + spent` is what the store says is lent to this lease,
 * except during a call: every unit is either free here, or used and not yet booked.
 *
 * One call of the store runs at a time. What a failed call was to book counts as lost: it may have been booked, and a
 * unit must not be used twice.
 */
export class QuotaLease {
  readonly #id: PassId;
  readonly #store: QuotaStore;
  readonly #time: QuotaTime;
  readonly #line = new WaitingLine();
  readonly #stall = new Stall(PATIENCE_MS);
  /** Free units. */
  #held = 0;
  /** Units that were used since the last booking; below zero when more came back that were already booked as used. */
  #spent = 0;
  /** Units that no process held, by the store's last answer. */
  #left = 0;
  #expiresAt: number | undefined;
  /** Units to lease ahead: grows while they are used up quickly. */
  #block = 0;
  #isLow = false;
  #isRevoked = false;
  /** The store had nothing left: read the pass, at a bounded pace, before asking for a lease. */
  #isDry = false;
  #askedAt = Number.NEGATIVE_INFINITY;
  #usedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #isTimed = false;
  #isClosing = false;
  #isWorking = false;
  #work: Promise<void> = Promise.resolve();

  constructor(id: PassId, store: QuotaStore, time: QuotaTime) {
    this.#id = id;
    this.#store = store;
    this.#time = time;
  }

  /** {@link Quota.take} */
  take(): QuotaOutcome | Promise<QuotaOutcome> {
    if (this.#isRevoked) return { kind: 'gone', why: 'revoked' };
    const now = this.#time.now();
    if (this.#held > 0 && !this.#isOver(now)) {
      const outcome = this.#use(now);
      // The next block is requested before this one is used up.
      const ahead = this.#ahead();
      if (ahead > 0 && this.#held * 4 <= ahead) {
        this.#isLow = true;
        this.#startWork();
      }
      return outcome;
    }
    const outcome = this.#line.join(now);
    this.#startWork();
    return outcome;
  }

  /**
   * Returns a unit whose request got nothing; it was taken here, or from an earlier lease of the same pass that is
   * closed.
   */
  giveBack(): void {
    this.#held += 1;
    this.#spent -= 1;
    this.#usedAt = this.#time.now();
    if (!this.#isRevoked) this.#deliver(this.#usedAt);
    this.#watch();
  }

  /** {@link Quota.revoke} */
  revoke(): void {
    this.#isRevoked = true;
    this.#line.answer(this.#line.all(), ({ resolve }) => resolve({ kind: 'gone', why: 'revoked' }));
  }

  /** Serves the requests that wait, and returns what is held. */
  close(): Promise<void> {
    this.#isClosing = true;
    this.#startWork();
    return this.#work;
  }

  #isOver(now: number): boolean {
    return this.#expiresAt !== undefined && this.#expiresAt <= now;
  }

  #use(now: number): QuotaOutcome {
    this.#held -= 1;
    this.#spent += 1;
    this.#usedAt = now;
    this.#watch();
    return { kind: 'taken', unit: this.#unit(this.#held + this.#left) };
  }

  #unit(remaining: number): QuotaUnit {
    let isBack = false;
    return {
      remaining,
      giveBack: () => {
        if (isBack) return;
        isBack = true;
        this.giveBack();
      },
    };
  }

  #startWork(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#work = this.#workOff();
  }

  /** Does the pending work, one step after another. */
  async #workOff(): Promise<void> {
    while (this.#line.length > 0 || this.#isLow || this.#isToBringBack()) {
      if (this.#line.length > 0 || this.#isLow) await this.#ask();
      else await this.#bringBack();
    }
    // In one turn with the last check: work that comes later starts anew.
    this.#isWorking = false;
    this.#watch();
  }

  /** Units to hold beyond those that requests wait for. */
  #ahead(): number {
    return Math.min(this.#block, Math.ceil(this.#left / SHARE));
  }

  /** Asks the store for all waiting requests, and answers each or lets it wait on. */
  async #ask(): Promise<void> {
    const pauseMs = this.#isDry ? msLeft(this.#askedAt, PACE_MS, this.#time.now()) : 0;
    if (pauseMs > 0) await new Promise<void>((resolve) => this.#time.after(pauseMs, resolve));
    this.#isLow = false;
    this.#askedAt = this.#time.now();
    // Only these get the store's answer: a request that comes during the call may know of a later extension.
    const asking = this.#line.all();
    try {
      const standing = (this.#isDry ? await this.#look() : undefined) ?? (await this.#lease(asking.length));
      const now = this.#time.now();
      if (standing.kind === 'leased') this.#deliver(now);
      this.#judge(standing, asking, now);
    } catch (error) {
      this.#line.answer(asking, ({ reject }) => reject(error));
    }
  }

  /** Leases a unit for each waiting request, and some ahead. */
  async #lease(waiting: number): Promise<LeaseOutcome> {
    this.#block = Math.min(BLOCK, Math.max(1, this.#block * 2));
    const want = waiting + Math.max(0, this.#ahead() - this.#held);
    const outcome = await this.#settle(want, 0);
    this.#isDry = outcome.kind === 'gone' || outcome.granted < want;
    if (outcome.kind === 'gone') return outcome;
    this.#held += outcome.granted;
    this.#left = outcome.left;
    this.#expiresAt = outcome.expiresAt;
    return outcome;
  }

  /** The state of a pass that had nothing left, read without a write; `undefined` when there is more now. */
  async #look(): Promise<LeaseOutcome | undefined> {
    const now = this.#time.now();
    const pass = await this.#store.findPass(this.#id);
    if (pass === undefined) return { kind: 'gone', why: 'unknown' };
    const end = passEnd(pass, now);
    if (end === 'revoked' || end === 'expired') return { kind: 'gone', why: end };
    if (pass.quota === undefined || pass.quota.available > 0) return undefined;
    return { kind: 'leased', granted: 0, left: 0, lent: pass.quota.lent, expiresAt: pass.expiresAt };
  }

  /** Books what was used, returns units and leases others. */
  async #settle(want: number, returned: number): Promise<LeaseOutcome> {
    const spent = this.#spent;
    this.#spent = 0;
    this.#held -= returned;
    try {
      return await this.#store.lease(this.#id, { want, spent, returned }, this.#time.now());
    } catch (error) {
      // Units that came back after they were booked as used may not be lent any more: they are dropped, too.
      if (spent < 0) this.#held = Math.max(0, this.#held + spent);
      throw error;
    }
  }

  #deliver(now: number): void {
    if (this.#isOver(now)) return;
    for (const { resolve } of this.#line.next(this.#held)) resolve(this.#use(now));
  }

  #judge(standing: LeaseOutcome, asking: readonly Waiter[], now: number): void {
    if (standing.kind === 'gone') {
      this.#left = 0;
      this.#line.answer(asking, ({ resolve }) => resolve(standing));
      return;
    }
    if (!this.#isDry) {
      this.#stall.end();
      return;
    }
    const elsewhere = standing.lent - this.#held - this.#spent;
    const patient = elsewhere > 0 && !this.#stall.isOver(elsewhere, now);
    const done = patient ? asking.filter(({ since }) => msLeft(since, PATIENCE_MS, now) === 0) : asking;
    this.#line.answer(done, ({ resolve }) => resolve({ kind: 'used_up' }));
  }

  #isToBringBack(): boolean {
    if (this.#held === 0 && this.#spent === 0) return false;
    const now = this.#time.now();
    return this.#isClosing || this.#idleMsLeft(now) === 0;
  }

  /** Milliseconds until units may be returned. */
  #idleMsLeft(now: number): number {
    return Math.max(msLeft(this.#usedAt, IDLE_MS, now), msLeft(this.#failedAt, STORE_AWAY_MS, now));
  }

  async #bringBack(): Promise<void> {
    try {
      // A failing call would lose units: check first that the store answers.
      if (!this.#isClosing && this.#held > 0) await this.#store.findPass(this.#id);
      // A request may have come meanwhile.
      if (!this.#isToBringBack()) return;
    } catch {
      this.#failedAt = this.#time.now();
      return;
    }
    this.#block = 0;
    try {
      const outcome = await this.#settle(0, this.#held);
      if (outcome.kind === 'leased') this.#left = outcome.left;
    } catch {
      // What was held counts as lost.
    }
  }

  /** Ensures that nothing is held for long: one timer in all, none for each request. */
  #watch(): void {
    if (this.#isTimed || (this.#held === 0 && this.#spent === 0)) return;
    this.#isTimed = true;
    this.#time.after(Math.max(1, this.#idleMsLeft(this.#time.now())), () => {
      this.#isTimed = false;
      this.#startWork();
    });
  }
}

/** What is left of a wait, in milliseconds. Nothing where it began in the future: the clock was put back since. */
function msLeft(since: number, waitMs: number, now: number): number {
  return since > now ? 0 : Math.max(0, since + waitMs - now);
}
