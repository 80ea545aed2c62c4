import { type AbandonedPayment, isAbandonedAt } from '../domain/abandoned-payment.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Network } from '../domain/network.ts';
import { amountAsked, type PaymentRecord } from '../domain/payment-record.ts';
import { isHeld } from '../domain/payment-state.ts';
import type { Webhook } from '../domain/webhook.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import type { FacilitatorPool } from '../facilitator/failover.ts';
import type { Answers } from '../store/answers.ts';
import type { Ledger, Transition, TransitionOutcome } from '../store/ledger.ts';
import { withNews } from '../store/news.ts';
import type { Passes, PassUpkeep } from '../store/passes.ts';
import type { Upkeep } from '../store/upkeep.ts';
import { type Uses, WINDOW_GRACE_MS } from '../store/uses.ts';
import { findOutcome, nextCheck, type Resolver, stepByProof, stepBySettling, stepOfDelivery } from './open-payment.ts';
import { soldPass } from './sold-pass.ts';
import { SteadyClock } from './steady-clock.ts';

/** How often a process looks for open payments, and says that it lives, in milliseconds. */
const ROUND_MS = 1000;
/** After how many failed signs of life in a row the ledger counts as away. One is a hiccup. */
const AWAY_BEATS = 2;
/** How long a sign of life may take, in milliseconds. */
const LATE_MS = 5000;
/**
 * How long a taken payment is left to the process that took it, in milliseconds: longer than a look takes, and no longer
 * than a payment can wait whose taking was written while the ledger went away, so that nobody knows of it.
 */
const HOLD_MS = 30_000;
/** Longest look at one payment, in milliseconds. */
const LOOK_MS = 15_000;
/** Most payments looked into at once. */
const AT_ONCE = 64;
/** Rows deleted in one statement: few enough that no request waits for it. */
const PRUNED_AT_ONCE = 500;
/** Statements in one round that delete rows which moved no money: anybody can make those, and fast. */
const MOST_PRUNINGS = 20;
/** How long rows are kept that moved no money, in milliseconds: nobody was asked for it, or it was refused. */
const UNMOVED_KEPT_MS = { released: 60_000, failed: 86_400_000 } as const;
/** How much longer than the retry window a kept answer stays, in milliseconds: clocks of replicas differ. */
const ANSWER_MARGIN_MS = 60_000;
/** Looks at a settled transaction that is not there, after which it is reported as taken back. */
const SECOND_LOOKS = 10;

/** What the reconciler takes note of. Must not throw. */
export interface RecoveryNotes {
  /** A payment moved, without a request. */
  moved(record: PaymentRecord, step: Transition): void;
  /** A settlement that was proved before is no longer on the chain, and was not repaired. */
  takenBack(record: PaymentRecord): void;
  /** A round or a look failed; it will be tried again. */
  trouble(what: string, fault: unknown): void;
}

/** What the reconciler works with. */
export interface ReconcilerDeps {
  readonly store: Ledger &
    Upkeep &
    Pick<Answers, 'forgetAnswers'> & {
      readonly passes: PassUpkeep & Pick<Passes, 'grant'>;
      readonly uses: Pick<Uses, 'pruneUses'>;
    };
  /** This process's name in the ledger. */
  readonly owner: string;
  /** Who may say what became of a payment that it verified, by the name that was written down, and the network. */
  readonly facilitator: (name: string, network: Network) => Facilitator | undefined;
  /** Who takes a payment of which the others sent nothing. Default: nobody. */
  readonly next?: FacilitatorPool['next'];
  /** How long finished rows are kept, in milliseconds. */
  readonly retentionMs: () => number;
  /** How long an answer can be collected, in milliseconds. */
  readonly retryWindowMs: () => number;
  /** Who is told of payments. */
  readonly webhooks: () => readonly Webhook[];
  /** More to be done once a round, such as remembering the offers in force. */
  readonly everyRound: () => Promise<void>;
  readonly notes: RecoveryNotes;
  /** Unix milliseconds. */
  readonly clock: () => number;
  /** Milliseconds that only go forward. Default: the process's own. */
  readonly monotonic?: () => number;
}

const WITHOUT_CHARGE: Transition = { to: 'released', reason: 'the answer broke off before it was charged' };

/**
 * Finishes what requests left open: after a crash of this process or another, for settlements whose outcome was not
 * known, and for answers that went out on credit. Every process runs one; the ledger hands each open payment to one of
 * them at a time.
 *
 * | a payment left in | what is certain | becomes |
 * |---|---|---|
 * | `forwarding` | nobody was asked for the money | `released` |
 * | `owed` | the answer went out, nobody was asked for the money | settled now |
 * | `uncharged` | the answer broke off before it said what it costs | `released` |
 * | `defaulted` | the answer went out, the money did not move when it was asked for | asked for once more, while it can be paid |
 * | `settling`, `unknown` | the money may have moved | what the proof says |
 * | `redelivering` | the answer is kept, and may have arrived | `delivery_unknown` |
 * | `delivering` | the money moved, the answer may have arrived | `undelivered`, or `delivery_unknown` for an unsafe call |
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #pulse: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  readonly #abandoned = new Set<AbandonedPayment>();

  #missedBeats = 0;
  /** Unix milliseconds of the sign of life under way. */
  #beatFrom = 0;

  /** By which things are forgotten. */
  readonly #steady: SteadyClock;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#steady = new SteadyClock(deps.clock, deps.monotonic);
  }

  /** Whether the ledger takes the signs of life that it is sent every second. */
  get ledgerAnswers(): boolean {
    const isUnderWay = this.#beating !== undefined;
    if (isUnderWay && this.#deps.clock() - this.#beatFrom > LATE_MS) return false;
    return this.#missedBeats - (isUnderWay ? 1 : 0) < AWAY_BEATS;
  }

  /** Does one round now, and one after the other from then on. Resolves after the first. */
  async start(): Promise<void> {
    // Not by rounds: a settlement takes longer than a process may be silent for, and what it holds would be taken away.
    this.#pulse = setInterval(() => void this.#beat(), ROUND_MS);
    this.#pulse.unref();
    await this.#run();
  }

  /** Looks now instead of at the next round: there is something to settle. */
  wake(): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#running !== undefined) this.#again = true;
    else void this.#run();
  }

  /** Takes over a payment that a request of this process had to let go of. */
  adopt(payment: AbandonedPayment): void {
    this.#abandoned.add(payment);
  }

  /** Ends after the looks under way, and leaves what this process holds to the others at once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#running;
    clearInterval(this.#pulse);
    // One that came after the farewell would take it back.
    await this.#beating;
    await this.#attempt('retire', () => this.#deps.store.retire(this.#deps.owner));
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#running = this.#rounds();
    await this.#running;
    this.#running = undefined;
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#run(), ROUND_MS);
    this.#timer.unref();
  }

  /** One at a time, however slow the ledger is. */
  async #beat(): Promise<void> {
    const { store, owner, clock } = this.#deps;
    this.#beating ??= this.#attempt('beat', async () => {
      this.#beatFrom = clock();
      this.#missedBeats += 1;
      await store.beat(owner, clock());
      this.#missedBeats = 0;
    }).finally(() => {
      this.#beating = undefined;
    });
    await this.#beating;
  }

  /** Rounds without a pause for as long as there is more to do than fits into one. */
  async #rounds(): Promise<void> {
    do {
      this.#again = false;
      await this.#round();
    } while (this.#again && !this.#stopping.signal.aborted);
  }

  async #round(): Promise<void> {
    const { store, owner, clock, retentionMs, retryWindowMs, everyRound } = this.#deps;
    await this.#beat();
    await this.#attempt('open payments', async () => {
      const open = await store.takeOpen(owner, clock(), HOLD_MS, AT_ONCE);
      if (open.length === AT_ONCE) this.#again = true;
      await Promise.all(open.map((record) => this.#look(record)));
    });
    // Those that are adopted meanwhile wait for the next round.
    for (const payment of [...this.#abandoned]) await this.#attempt('abandoned payment', () => this.#takeUp(payment));
    await this.#attempt('round', everyRound);
    await this.#attempt('pruning', async () => {
      const now = this.#steady.now();
      const before = now - retentionMs();
      await store.prune(before, Math.floor(before / 1000), PRUNED_AT_ONCE);
      await store.passes.prunePasses(before, now, PRUNED_AT_ONCE);
      await this.#pruneUses(now);
      await this.#forgetUnmoved('released');
      await this.#forgetUnmoved('failed');
      await store.forgetAnswers(now - retryWindowMs() - ANSWER_MARGIN_MS, PRUNED_AT_ONCE);
    });
  }

  /** There may be a window for each client: more than one batch ends at a time. */
  async #pruneUses(now: number): Promise<void> {
    for (let round = 0; round < MOST_PRUNINGS; round += 1) {
      const forgotten = await this.#deps.store.uses.pruneUses(now - WINDOW_GRACE_MS, PRUNED_AT_ONCE);
      if (forgotten < PRUNED_AT_ONCE) return;
    }
  }

  async #forgetUnmoved(state: keyof typeof UNMOVED_KEPT_MS): Promise<void> {
    const { store, clock } = this.#deps;
    for (let round = 0; round < MOST_PRUNINGS; round += 1) {
      const forgotten = await store.forgetUnmoved(state, clock() - UNMOVED_KEPT_MS[state], PRUNED_AT_ONCE);
      if (forgotten < PRUNED_AT_ONCE) return;
    }
  }

  async #look(record: PaymentRecord): Promise<void> {
    try {
      switch (record.state) {
        case 'forwarding':
          await this.#move(record, { to: 'released', reason: 'the process that held it is gone' });
          return;
        case 'owed':
        case 'defaulted':
          await this.#settle(record);
          return;
        case 'uncharged':
          await this.#move(record, WITHOUT_CHARGE);
          return;
        case 'settling':
        case 'unknown':
          await this.#resolve(record);
          return;
        case 'delivering':
          await this.#grantSold(record);
          await this.#move(record, stepOfDelivery(record));
          return;
        case 'redelivering':
          await this.#move(record, { to: 'delivery_unknown', reason: 'the process that delivered it is gone' });
          return;
        case 'delivered':
        case 'undelivered':
        case 'delivered_in_part':
        case 'delivery_unknown':
          await this.#lookAgain(record);
          return;
        case 'released':
        case 'failed':
          throw new Error(`a payment in state ${record.state} is not open`);
      }
    } catch (fault) {
      this.#deps.notes.trouble(`payment ${record.key}`, fault);
    }
  }

  /** Stays abandoned until the ledger answers again. */
  async #takeUp(payment: AbandonedPayment): Promise<void> {
    const row = await this.#deps.store.find(payment.key);
    this.#abandoned.delete(payment);
    const left = row !== undefined && row.owner === this.#deps.owner && isAbandonedAt(payment, row);
    if (left && isHeld(row.state)) await this.#look(row);
  }

  async #settle(record: PaymentRecord): Promise<void> {
    let held = await this.#move(record, { to: 'settling', asked: amountAsked(record) });
    if (held === undefined) return;
    const resolver: Resolver = {
      ...this.#resolver(),
      journal: async (attempt, { name: facilitator }) => {
        held = held && (await this.#move(held, { to: 'settling', attempt, facilitator }));
        // Somebody else has taken the payment over: whatever is not sent yet must not be sent.
        if (held === undefined) throw new GatewayError('payment_in_progress');
      },
    };
    try {
      const step = await stepBySettling(held, resolver);
      // A debt that stays one was told of already.
      const isNews = record.state !== 'defaulted' || step.to !== 'defaulted';
      if (held !== undefined) await this.#move(held, step, isNews);
    } catch (fault) {
      // Nobody else takes it from a process that lives: what became of it is to be found out here.
      if (held !== undefined) this.adopt({ key: held.key, epoch: held.epoch });
      throw fault;
    }
  }

  /** A facilitator that cannot look now is no news: the doubt stays, and the next look comes later. */
  async #proofOrDoubt(record: PaymentRecord): Promise<Transition> {
    const resolver = this.#resolver();
    try {
      return await stepByProof(record, resolver);
    } catch (fault) {
      if (!(fault instanceof GatewayError) || fault.meaning.source !== 'facilitator') throw fault;
      this.#deps.notes.trouble(`facilitator ${record.facilitator}`, fault);
      return { to: 'unknown', reason: fault.code, checkAt: nextCheck(record.checks, resolver.now) };
    }
  }

  /** The second look at a settled payment. One that is gone is sent again by its facilitator, or reported. */
  async #lookAgain(record: PaymentRecord): Promise<void> {
    const outcome = await findOutcome(record, this.#resolver());
    if (outcome.kind !== 'settled') {
      if (record.checks < SECOND_LOOKS) return;
      this.#deps.notes.takenBack(record);
    }
    await this.#deps.store.confirm(record.key);
  }

  async #resolve(record: PaymentRecord): Promise<void> {
    const step = await this.#proofOrDoubt(record);
    if (step.settlement !== undefined) await this.#grantSold(record);
    await this.#move(record, step);
  }

  /**
   * Writes down the pass that a payment bought, before its row comes to rest: of an unsafe call the answer may be lost,
   * and its buyer still comes back by signing in. As often as it takes: one payment buys one pass.
   */
  async #grantSold(record: PaymentRecord): Promise<void> {
    const sale = soldPass(record);
    if (sale === undefined) return;
    try {
      await this.#deps.store.passes.grant(sale, this.#deps.clock());
    } catch (fault) {
      this.adopt({ key: record.key, epoch: record.epoch });
      throw fault;
    }
  }

  async #move(record: PaymentRecord, step: Transition, isNews = true): Promise<PaymentRecord | undefined> {
    const outcome = await this.#transition(record, step, isNews);
    if (outcome.kind === 'stale') return undefined;
    if (!isNews) return outcome.record;
    this.#deps.notes.moved(outcome.record, step);
    return outcome.record;
  }

  /** A step that cannot be written leaves the payment with this process, which lives: nobody else would take it up. */
  async #transition(record: PaymentRecord, step: Transition, isNews: boolean): Promise<TransitionOutcome> {
    const { key, epoch } = record;
    const { store, webhooks, clock } = this.#deps;
    try {
      return await store.transition(key, epoch, isNews ? withNews(step, record, webhooks(), clock()) : step);
    } catch (fault) {
      this.adopt({ key, epoch });
      throw fault;
    }
  }

  #resolver(): Resolver {
    const { facilitator, next, clock } = this.#deps;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(LOOK_MS)]);
    return {
      facilitator,
      next: async (payment, tried, why) => await next?.(payment, tried, why, signal),
      journal: refuseJournal,
      now: clock(),
      signal,
    };
  }

  async #attempt(what: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (fault) {
      this.#deps.notes.trouble(what, fault);
    }
  }
}

/** Finding out never settles: nothing asks for a journal but {@link stepBySettling}. */
function refuseJournal(): Promise<void> {
  return Promise.reject(new Error('finding out about a settlement does not journal'));
}
