import type { AbandonedPayment } from '../domain/abandoned-payment.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Network } from '../domain/network.ts';
import type { OwnDebt } from '../domain/own-debt.ts';
import type { AnswerOver, PaymentRecord } from '../domain/payment-record.ts';
import type { Webhook } from '../domain/webhook.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import type { FacilitatorPool } from '../facilitator/failover.ts';
import type { Ledger, Transition, TransitionOutcome } from '../store/ledger.ts';
import { withNews } from '../store/news.ts';
import type { Passes } from '../store/passes.ts';
import type { Upkeep } from '../store/upkeep.ts';
import { DebtSettling, type HeldDebt } from './debt-settling.ts';
import { findOutcome, nextCheck, type Resolver, stepByProof, stepOfDelivery } from './open-payment.ts';
import type { SettlingDebt } from './own-debts.ts';
import { soldPass } from './sold-pass.ts';

/** How long a facilitator is asked about one payment, in milliseconds; a settlement has limits of its own. */
const LOOK_MS = 15_000;
/** Looks at a settled transaction that is missing, after which it is reported as taken back. */
const SECOND_LOOKS = 10;

/** Results that recovery reports. Must not throw. */
export interface RecoveryNotes {
  /** A payment moved, without a request. */
  moved(record: PaymentRecord, step: Transition): void;
  /** A settlement that was proved before is no longer on the chain, and was not repaired. */
  takenBack(record: PaymentRecord): void;
  /** A heartbeat was written: the ledger takes writes. */
  heard(): void;
  /** A round or a look failed; it will be tried again. */
  trouble(what: string, fault: unknown): void;
}

/** The parts of recovery. */
export interface PaymentRecoveryDeps {
  readonly store: Pick<Ledger, 'transition'> & Pick<Upkeep, 'confirm'> & { readonly passes: Pick<Passes, 'grant'> };
  /** The facilitator that verified a payment, by the name in the row and the network: only it may tell the outcome. */
  readonly facilitator: (name: string, network: Network) => Facilitator | undefined;
  /** The next facilitator for a payment, after the others sent nothing. Default: none. */
  readonly next?: FacilitatorPool['next'];
  /** The receivers of webhooks. */
  readonly webhooks: () => readonly Webhook[];
  readonly notes: RecoveryNotes;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** What {@link PaymentRecovery} needs of the rounds that call it. */
interface Rounds {
  /** Keeps a payment for a later round of this process: no other process takes it while this one lives. */
  readonly adopt: (payment: AbandonedPayment) => void;
  /** Aborts when the process ends. */
  readonly stopping: AbortSignal;
}

const WITHOUT_CHARGE: Transition = { to: 'released', reason: 'the answer broke off before it was charged' };

/**
 * Finishes one payment that no request works on, as far as possible now.
 *
 * | a payment left in | what is certain | becomes |
 * |---|---|---|
 * | `forwarding` | no facilitator was asked for the money | `released` |
 * | `owed` | the answer went out, no facilitator was asked for the money | settled now |
 * | `uncharged` | the answer broke off before it said what it costs | `released` |
 * | `defaulted` | the answer went out, the money did not move when it was asked for | asked for once more, while it can be paid; never where the answer broke off |
 * | `settling`, `unknown` | the money may have moved | what the proof says |
 * | `redelivering` | the answer is kept, and may have arrived | `delivery_unknown` |
 * | `delivering` | the money moved, the answer may have arrived | `undelivered`, or `delivery_unknown` for an unsafe call |
 */
export class PaymentRecovery {
  readonly #deps: PaymentRecoveryDeps & Rounds;

  constructor(deps: PaymentRecoveryDeps & Rounds) {
    this.#deps = deps;
  }

  /**
   * Looks at a payment that the ledger handed to this process, or one of its own requests, and writes down what it
   * finds. Never throws.
   *
   * @param end how the answer of a debt ended, where that could not be written down
   */
  async look(record: PaymentRecord, end: AnswerOver = {}): Promise<void> {
    await this.#watch(record, this.#look(record, end));
  }

  async #look(record: PaymentRecord, end: AnswerOver): Promise<void> {
    switch (record.state) {
      case 'forwarding':
        await this.#move(record, { to: 'released', reason: 'the process that held it is gone' });
        return;
      case 'owed':
      case 'defaulted':
        await this.#debt({ held: record, end }).settle();
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
  }

  /** Begins to settle a debt of this process whose answer is over. Neither part of it rejects. */
  begin(debt: OwnDebt): SettlingDebt {
    const settling = this.#debt(debt);
    return {
      over: this.#watch(debt.held, settling.settle()),
      putDown: (checkAt) => this.#watch(debt.held, settling.putDown(checkAt)),
    };
  }

  #debt(debt: HeldDebt): DebtSettling {
    const { adopt } = this.#deps;
    return new DebtSettling(debt, {
      move: (record, step, isNews) => this.#move(record, step, isNews, debt.end),
      adopt,
      resolver: () => this.#resolver(),
    });
  }

  async #watch({ key }: PaymentRecord, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (fault) {
      this.#deps.notes.trouble(`payment ${key}`, fault);
    }
  }

  /**
   * A facilitator that cannot look now changes nothing: the payment stays in doubt, and the next look comes later. Nor
   * does any other fault: in `settling`, the payment would stay with this process, which does not look at it again.
   */
  async #proofOrDoubt(record: PaymentRecord): Promise<Transition> {
    const resolver = this.#resolver();
    try {
      return await stepByProof(record, resolver);
    } catch (fault) {
      this.#deps.notes.trouble(`facilitator ${record.facilitator}`, fault);
      const reason = fault instanceof GatewayError ? fault.code : 'unexpected_settle_error';
      return { to: 'unknown', reason, checkAt: nextCheck(record.checks, resolver.now) };
    }
  }

  /**
   * The second look at a settled payment. If its transaction is gone, its facilitator sends it again, or it is
   * reported.
   */
  async #lookAgain(record: PaymentRecord): Promise<void> {
    const outcome = await findOutcome(record, this.#resolver());
    if (outcome.kind !== 'settled') {
      if (record.checks < SECOND_LOOKS) return;
      this.#deps.notes.takenBack(record);
    } else if (record.state === 'undelivered') {
      // A foreign transfer enters the ledger in this state, and its buyer may not have come back for the pass.
      await this.#grantSold(record);
    }
    await this.#deps.store.confirm(record.key);
  }

  async #resolve(record: PaymentRecord): Promise<void> {
    const step = await this.#proofOrDoubt(record);
    if (step.settlement !== undefined) await this.#grantSold(record);
    await this.#move(record, step);
  }

  /**
   * Writes down the pass that a payment bought, before its row comes to rest: the answer of an unsafe call may be lost,
   * and its buyer still comes back by signing in. It may be repeated: one payment buys one pass.
   */
  async #grantSold(record: PaymentRecord): Promise<void> {
    const sale = soldPass(record);
    if (sale === undefined) return;
    try {
      await this.#deps.store.passes.grant(sale, this.#deps.clock());
    } catch (fault) {
      this.#deps.adopt({ key: record.key, epoch: record.epoch });
      throw fault;
    }
  }

  async #move(
    record: PaymentRecord,
    step: Transition,
    isNews = true,
    end: AnswerOver = {},
  ): Promise<PaymentRecord | undefined> {
    const outcome = await this.#transition(record, step, isNews, end);
    if (outcome.kind === 'stale') return undefined;
    if (!isNews) return outcome.record;
    this.#deps.notes.moved(outcome.record, step);
    return outcome.record;
  }

  /** A step that cannot be written leaves the payment with this process: no other one takes it while this one lives. */
  async #transition(
    record: PaymentRecord,
    step: Transition,
    isNews: boolean,
    end: AnswerOver,
  ): Promise<TransitionOutcome> {
    const { key, epoch } = record;
    const { store, webhooks, clock } = this.#deps;
    try {
      return await store.transition(key, epoch, isNews ? withNews(step, record, webhooks(), clock()) : step, record);
    } catch (fault) {
      this.#deps.adopt({ key, epoch, end });
      throw fault;
    }
  }

  #resolver(): Resolver {
    const { facilitator, next, clock } = this.#deps;
    const signal = signalOnce(this.#deps.stopping);
    return {
      facilitator,
      next: async (payment, tried, why) => await next?.(payment, tried, why, signal()),
      journal: refuseJournal,
      now: clock(),
      signal,
    };
  }
}

/**
 * The signal that ends a look, made when it is asked for: a settlement that goes well needs none, and each holds a timer
 * and weak references. Its time runs from then.
 */
function signalOnce(stopping: AbortSignal): () => AbortSignal {
  let made: AbortSignal | undefined;
  return () => (made ??= AbortSignal.any([stopping, AbortSignal.timeout(LOOK_MS)]));
}

/** Only {@link DebtSettling} settles, with a journal of its own: all other steps must not journal. */
function refuseJournal(): Promise<void> {
  return Promise.reject(new Error('finding out about a settlement does not journal'));
}
