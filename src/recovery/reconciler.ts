import { type AbandonedPayment, isAbandonedAt } from '../domain/abandoned-payment.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import { isHeld } from '../domain/payment-state.ts';
import type { Balances } from '../store/balances.ts';
import type { Books } from '../store/books.ts';
import type { Ledger } from '../store/ledger.ts';
import type { Passes } from '../store/passes.ts';
import { OWNER_GONE_MS } from '../store/upkeep.ts';
import { Heartbeat } from './heartbeat.ts';
import { LeftBehind } from './left-behind.ts';
import { releaseLeftHolds } from './left-holds.ts';
import { LostTakings } from './lost-takings.ts';
import { OwnDebts } from './own-debts.ts';
import { PaymentRecovery, type PaymentRecoveryDeps } from './payment-recovery.ts';
import { type PrunedStore, pruneStore } from './pruning.ts';
import { SteadyClock } from './steady-clock.ts';

/** Between two rounds, in milliseconds. */
const ROUND_MS = 1000;
/**
 * Lease on a payment taken for recovery, in milliseconds. It is longer than most looks; nothing depends on that. It is
 * short, so that a payment is taken again soon if its taking was written and the reply was lost: see `LostTakings`.
 */
const HOLD_MS = 30_000;
/** Most payments that a round has in work at once; and most debts of this process besides. */
const AT_ONCE = 64;

/** The parts of the reconciler. */
export interface ReconcilerDeps extends PaymentRecoveryDeps {
  readonly store: Ledger &
    PrunedStore &
    Pick<Books, 'page'> & { readonly passes: Pick<Passes, 'grant'> & { readonly balances: Balances } };
  /** This process's name in the ledger. */
  readonly owner: string;
  /** How long finished rows are kept, in milliseconds. */
  readonly retentionMs: () => number;
  /** How long an answer can be collected, in milliseconds. */
  readonly retryWindowMs: () => number;
  /** More to be done once a round, such as remembering the offers in force. */
  readonly everyRound: () => Promise<void>;
  /** Milliseconds that only go forward. Default: the process's own. */
  readonly monotonic?: () => number;
}

/**
 * Finishes what requests left open: after a crash of this process or another, for settlements with an unknown outcome,
 * and for answers on credit. Every process runs one; the ledger gives each open payment to one of them at a time.
 * {@link PaymentRecovery} lists the results.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #recovery: PaymentRecovery;
  readonly #heartbeat: Heartbeat;
  readonly #monotonic: () => number;
  /** The time for deleting old rows. */
  readonly #steady: SteadyClock;
  /** Whether that clock was compared with the newest payment of the ledger. */
  #isCompared = false;
  /**
   * The time by which other processes count as gone. A jump ahead is followed only when each living process has had time
   * for a heartbeat after it: else this one would take over, and hand out anew, what others are delivering.
   */
  readonly #living: SteadyClock;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  /** What there is more of than the last round did. */
  #more: 'nothing' | 'owed' | 'all' = 'nothing';
  /** When the last whole round ended, by the monotonic clock. */
  #wholeAt = Number.NEGATIVE_INFINITY;
  readonly #abandoned = new Set<AbandonedPayment>();
  readonly #lost = new LostTakings();
  readonly #leftBehind = new LeftBehind();
  /** The answers on credit that went out of this process. */
  readonly debts: OwnDebts;

  constructor(deps: ReconcilerDeps) {
    const { store, owner, notes, clock, monotonic = () => performance.now() } = deps;
    this.#deps = deps;
    this.#monotonic = monotonic;
    this.#recovery = new PaymentRecovery({
      ...deps,
      adopt: (payment) => this.adopt(payment),
      stopping: this.#stopping.signal,
    });
    this.debts = new OwnDebts({
      begin: (debt) => this.#recovery.begin(debt),
      takeDue: () => this.#wake('owed'),
      holdMs: HOLD_MS,
      most: AT_ONCE,
      clock,
    });
    this.#heartbeat = new Heartbeat({
      beat: async (at) => {
        await store.beat(owner, at);
        notes.heard();
      },
      trouble: (fault) => notes.trouble('beat', fault),
      clock,
    });
    this.#steady = new SteadyClock(clock, monotonic);
    this.#living = new SteadyClock(clock, monotonic, OWNER_GONE_MS);
  }

  /** Whether the ledger accepts the heartbeats, one every second. */
  get ledgerAnswers(): boolean {
    return this.#heartbeat.isHeard;
  }

  /** Does one round now, and one after the other from then on. Resolves after the first. */
  async start(): Promise<void> {
    // On a timer of its own: a settlement in a round can take longer than a process may be silent, and other processes
    // would take what this one holds.
    this.#heartbeat.start();
    await this.#run();
  }

  /** Starts the next round now: there is something to look into. */
  wake(): void {
    this.#leftBehind.hurry();
    this.#wake('all');
  }

  /** Takes over a payment that a request of this process had to let go of. */
  adopt(payment: AbandonedPayment): void {
    this.#abandoned.add(payment);
  }

  /** Ends after the looks under way. Other processes can take what this one holds at once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await Promise.all([this.#running, this.debts.stop()]);
    await this.#heartbeat.stop();
    await this.#attempt('retire', () => this.#deps.store.retire(this.#deps.owner));
  }

  #wake(work: 'owed' | 'all'): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#more !== 'all') this.#more = work;
    if (this.#running === undefined) void this.#run();
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#running = this.#rounds();
    await this.#running;
    this.#running = undefined;
    if (this.#stopping.signal.aborted) return;
    const untilNext = Math.max(0, this.#wholeAt + ROUND_MS - this.#monotonic());
    this.#timer = setTimeout(() => this.#wake('all'), untilNext);
    this.#timer.unref();
  }

  /** Runs rounds without a pause while there is more work than fits into one round. */
  async #rounds(): Promise<void> {
    do {
      // What is owed must not keep all other work waiting.
      const isWhole = this.#more === 'all' || this.#monotonic() - this.#wholeAt >= ROUND_MS;
      this.#more = 'nothing';
      if (isWhole) await this.#round();
      else await this.#takeAndLook('owed', (now) => this.#takeOwed(now));
    } while (this.#more !== 'nothing' && !this.#stopping.signal.aborted);
  }

  /** Looks into as many payments as are taken at once, and notes whether there may be more. */
  async #takeAndLook(work: 'owed' | 'all', take: (now: number) => Promise<readonly PaymentRecord[]>): Promise<void> {
    await this.#attempt('open payments', async () => {
      const open = await take(this.#deps.clock());
      if (open.length === AT_ONCE && this.#more !== 'all') this.#more = work;
      await Promise.all(open.map((record) => this.#recovery.look(record)));
    });
  }

  async #round(): Promise<void> {
    const { store, clock, retentionMs, retryWindowMs, everyRound } = this.#deps;
    const isHeard = await this.#heartbeat.beat();
    const living = this.#living.now();
    // Without a heartbeat, others would take at once what this process takes; and the reply of a taking may get lost.
    if (isHeard) await this.#takeAndLook('all', (now) => this.#take(now, living));
    // Payments that are adopted meanwhile wait for the next round.
    for (const payment of [...this.#abandoned]) await this.#attempt('abandoned payment', () => this.#takeUp(payment));
    await this.#attempt('balances', async () => {
      if (await releaseLeftHolds(store.passes.balances, clock(), living)) this.#more = 'all';
    });
    await this.#attempt('round', everyRound);
    const times = { retentionMs: retentionMs(), retryWindowMs: retryWindowMs() };
    await this.#attempt('pruning', async () => {
      await this.#compareClock();
      await pruneStore(store, times, this.#steady.now(), clock());
    });
    this.#wholeAt = this.#monotonic();
  }

  /** Comes before anything is deleted: the clock of this process may have been wrong from its start. */
  async #compareClock(): Promise<void> {
    if (this.#isCompared) return;
    const { records, unreadable } = await this.#deps.store.page({}, undefined, 1, 'newest first');
    const latest = records[0]?.claimedAt ?? unreadable[0]?.claimedAt;
    if (latest !== undefined) this.#steady.beginAfter(latest);
    this.#isCompared = true;
  }

  async #take(now: number, living: number): Promise<readonly PaymentRecord[]> {
    const { store, owner } = this.#deps;
    const isToBeRead = this.#leftBehind.isToBeRead(await store.livingOwners(living), this.#monotonic());
    if (isToBeRead || this.#lost.isDue(now)) return await this.#takeOpen(now, living);
    return await store.takeDue(owner, now, HOLD_MS, AT_ONCE);
  }

  async #takeOpen(now: number, living: number): Promise<readonly PaymentRecord[]> {
    const { store, owner } = this.#deps;
    const take = (lost?: number) => store.takeOpen(owner, now, HOLD_MS, AT_ONCE, living, lost);
    let isMore = true;
    try {
      const taken = await this.#lost.take(take, now, { checkAt: now + HOLD_MS, limit: AT_ONCE });
      isMore = taken.length === AT_ONCE;
      return taken;
    } finally {
      if (isMore) this.#leftBehind.hurry();
    }
  }

  #takeOwed(now: number): Promise<readonly PaymentRecord[]> {
    return this.#deps.store.takeOwed(this.#deps.owner, now, HOLD_MS, AT_ONCE);
  }

  /** The payment stays abandoned until the ledger answers again. */
  async #takeUp(payment: AbandonedPayment): Promise<void> {
    const row = await this.#deps.store.find(payment.key);
    this.#abandoned.delete(payment);
    const left = row !== undefined && row.owner === this.#deps.owner && isAbandonedAt(payment, row);
    if (left && isHeld(row.state)) await this.#recovery.look(row, 'end' in payment ? payment.end : {});
  }

  async #attempt(what: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (fault) {
      this.#deps.notes.trouble(what, fault);
    }
  }
}
