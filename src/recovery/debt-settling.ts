import type { AbandonedPayment } from '../domain/abandoned-payment.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { OwnDebt } from '../domain/own-debt.ts';
import type { Payment } from '../domain/payment.ts';
import { type AnswerOver, amountAsked, type PaymentRecord } from '../domain/payment-record.ts';
import { mayFollow } from '../domain/payment-state.ts';
import type { Transition } from '../store/ledger.ts';
import { type Resolver, settlerOf, stepBySettling, stepUnsent } from './open-payment.ts';

/** What settling a debt needs of recovery. */
export interface DebtSettlingDeps {
  /** Moves a row one step; `undefined` where another process has taken the payment. */
  readonly move: (record: PaymentRecord, step: Transition, isNews: boolean) => Promise<PaymentRecord | undefined>;
  /** Keeps a payment for a later round of this process. */
  readonly adopt: (payment: AbandonedPayment) => void;
  readonly resolver: () => Resolver;
}

/** A debt of this process, or one that it took: its payment is read from the row then. */
export type HeldDebt = Omit<OwnDebt, 'payment'> & Partial<OwnDebt>;

/**
 * Settles one debt. How its answer ended, and the amount, are written down with the attempt, in one step and before
 * anything is sent; a debt of which nothing was sent stays one. A settlement may take long until its attempt, such as one
 * that waits for others of its payer: the end of the answer can be put down before.
 *
 * | killed | the row says | what recovery does |
 * |---|---|---|
 * | before the attempt was written down | `owed` or `defaulted` | asks for the money; as for an answer that broke off, where its end was not put down |
 * | after it | `settling`, and how the answer ended | finds out what became of it, by proof |
 */
export class DebtSettling {
  readonly #record: PaymentRecord;
  readonly #payment: Payment | undefined;
  readonly #end: AnswerOver;
  readonly #deps: DebtSettlingDeps;
  /** `undefined` once another process has the payment. */
  #held: PaymentRecord | undefined;
  /** The last step, written or not. */
  #last: Promise<unknown> = Promise.resolve();
  /** Whether there is nothing to be put down any more. */
  #isWritten = false;

  constructor({ held, payment, end }: HeldDebt, deps: DebtSettlingDeps) {
    this.#record = held;
    this.#payment = payment;
    this.#end = end;
    this.#deps = deps;
    this.#held = held;
  }

  /** Asks for the money, once. @throws what kept it from coming to an end; the debt is asked for again later */
  async settle(): Promise<void> {
    const resolver = this.#deps.resolver();
    try {
      const settler = await settlerOf(this.#record, resolver);
      const step = await stepBySettling(
        this.#ended,
        {
          ...resolver,
          facilitator: () => settler,
          journal: async (attempt, { name: facilitator }) => {
            this.#isWritten = true;
            await this.#step({ to: 'settling', attempt, facilitator, ...this.#facts });
            // Another process has taken the payment over: this attempt must not be sent.
            if (this.#held === undefined) throw new GatewayError('payment_in_progress');
          },
        },
        this.#payment,
      );
      await this.#finish(step);
    } catch (fault) {
      await this.#putOff(fault);
    }
  }

  /**
   * Puts down how the answer ended, where that is not written yet; from `checkAt` on any process may go on then. Nothing
   * else changes: the steps of a settlement under way come after it.
   *
   * @param checkAt Unix milliseconds
   */
  async putDown(checkAt: number): Promise<void> {
    if (this.#isWritten) return;
    this.#isWritten = true;
    await this.#step({ to: 'owed', ...this.#end, checkAt }, false);
  }

  get #facts(): Pick<Transition, 'asked' | 'answered' | 'leftEarly'> {
    return { asked: amountAsked(this.#record), ...this.#end };
  }

  /** The row, as it is once all that is known is written down. */
  get #ended(): PaymentRecord {
    return { ...this.#record, ...this.#end };
  }

  async #finish(step: Transition): Promise<void> {
    this.#isWritten = true;
    await this.#last;
    // It ended without an attempt: somebody else made it, or nothing has to move.
    if (this.#held !== undefined && !mayFollow(this.#held.state, step.to)) {
      await this.#step({ to: 'settling', ...this.#facts });
    }
    // A debt that stays a debt was reported before.
    await this.#step({ ...this.#end, ...step }, this.#record.state !== 'defaulted' || step.to !== 'defaulted');
  }

  /** A fault in the middle: what was sent has an outcome, and what was not sent is asked for again later. */
  async #putOff(fault: unknown): Promise<void> {
    await this.#last;
    const held = this.#held;
    if (held === undefined) return;
    // No other process takes a payment from a living one: this process must find its outcome.
    if (held.state === 'settling') this.#deps.adopt({ key: held.key, epoch: held.epoch });
    if (held.state === 'owed') {
      const reason = fault instanceof GatewayError ? fault.code : 'unexpected_settle_error';
      await this.#finish(stepUnsent(this.#ended, reason, this.#deps.resolver().now));
    }
    throw fault;
  }

  /** Takes a step after the one before it, whatever became of that. */
  async #step(step: Transition, isNews = true): Promise<void> {
    const taken = this.#last.then(async () => {
      this.#held = this.#held && (await this.#deps.move(this.#held, step, isNews));
    });
    this.#last = taken.catch(() => {});
    await taken;
  }
}
