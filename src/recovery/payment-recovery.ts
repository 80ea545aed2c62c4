import type { AbandonedPayment } from '../domain/abandoned-payment.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Network } from '../domain/network.ts';
import type { OwnDebt } from '../domain/own-debt.ts';
import type { Payment } from '../domain/payment.ts';
import { type AnswerOver, amountAsked, type PaymentRecord } from '../domain/payment-record.ts';
import { mayFollow } from '../domain/payment-state.ts';
import type { Webhook } from '../domain/webhook.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import type { FacilitatorPool } from '../facilitator/failover.ts';
import type { Ledger, Transition, TransitionOutcome } from '../store/ledger.ts';
import { withNews } from '../store/news.ts';
import type { Passes } from '../store/passes.ts';
import type { Upkeep } from '../store/upkeep.ts';
import {
  findOutcome,
  nextCheck,
  type Resolver,
  settlerOf,
  stepByProof,
  stepBySettling,
  stepOfDelivery,
} from './open-payment.ts';
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
   */
  async look(record: PaymentRecord): Promise<void> {
    try {
      switch (record.state) {
        case 'forwarding':
          await this.#move(record, { to: 'released', reason: 'the process that held it is gone' });
          return;
        case 'owed':
        case 'defaulted':
          await this.#settle(record, {});
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

  /** Settles a debt of this process whose answer is over, by what its request held. Never throws. */
  async settleOwn({ held, payment, end }: OwnDebt): Promise<void> {
    try {
      await this.#settle(held, end, payment);
    } catch (fault) {
      this.#deps.notes.trouble(`payment ${held.key}`, fault);
    }
  }

  /**
   * Asks for the money of a debt. How its answer ended, and the amount, are written down with the attempt, in one step
   * and before anything is sent; a debt of which nothing was sent stays one.
   */
  async #settle(record: PaymentRecord, end: AnswerOver, payment?: Payment): Promise<void> {
    const facts = { asked: amountAsked(record), ...end };
    let held: PaymentRecord | undefined = record;
    try {
      const settler = await settlerOf(record, this.#resolver());
      const resolver: Resolver = {
        ...this.#resolver(),
        facilitator: () => settler,
        journal: async (attempt, { name: facilitator }) => {
          held = held && (await this.#move(held, { to: 'settling', attempt, facilitator, ...facts }));
          // Another process has taken the payment over: this attempt must not be sent.
          if (held === undefined) throw new GatewayError('payment_in_progress');
        },
      };
      const step = await stepBySettling({ ...record, ...end }, resolver, payment);
      // It ended without an attempt: somebody else made it, or nothing has to move.
      if (held !== undefined && !mayFollow(held.state, step.to)) {
        held = await this.#move(held, { to: 'settling', ...facts });
      }
      // A debt that stays a debt was reported before.
      const isNews = record.state !== 'defaulted' || step.to !== 'defaulted';
      if (held !== undefined) await this.#move(held, { ...end, ...step }, isNews);
    } catch (fault) {
      if (held !== undefined) await this.#putOff(held, end, fault);
      throw fault;
    }
  }

  /** A fault in the middle of settling: what was sent has an outcome, and what was not sent is asked for again later. */
  async #putOff(held: PaymentRecord, end: AnswerOver, fault: unknown): Promise<void> {
    // No other process takes a payment from a living one: this process must find its outcome.
    if (held.state === 'settling') this.#deps.adopt({ key: held.key, epoch: held.epoch });
    if (held.state !== 'owed') return;
    const reason = fault instanceof GatewayError ? fault.code : 'unexpected_settle_error';
    const checkAt = nextCheck(held.checks, this.#deps.clock());
    await this.#move(held, { to: 'owed', ...end, reason, checkAt });
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

  async #move(record: PaymentRecord, step: Transition, isNews = true): Promise<PaymentRecord | undefined> {
    const outcome = await this.#transition(record, step, isNews);
    if (outcome.kind === 'stale') return undefined;
    if (!isNews) return outcome.record;
    this.#deps.notes.moved(outcome.record, step);
    return outcome.record;
  }

  /** A step that cannot be written leaves the payment with this process: no other one takes it while this one lives. */
  async #transition(record: PaymentRecord, step: Transition, isNews: boolean): Promise<TransitionOutcome> {
    const { key, epoch } = record;
    const { store, webhooks, clock } = this.#deps;
    try {
      return await store.transition(key, epoch, isNews ? withNews(step, record, webhooks(), clock()) : step, record);
    } catch (fault) {
      this.#deps.adopt({ key, epoch });
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

/** Only {@link stepBySettling} settles, with a journal of its own: all other steps must not journal. */
function refuseJournal(): Promise<void> {
  return Promise.reject(new Error('finding out about a settlement does not journal'));
}
