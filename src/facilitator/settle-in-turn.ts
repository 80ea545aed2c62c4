import type { Amount } from '../domain/amount.ts';
import { type ErrorCode, GatewayError } from '../domain/gateway-error.ts';
import type { Payment } from '../domain/payment.ts';
import type { SettlementAttempt } from '../domain/payment-record.ts';
import { outcomeFor, type SettlementOutcome } from '../domain/settlement.ts';
import type { AskingOrder, Facilitator } from './facilitator.ts';

/** Reasons of settlements that failed because no request got as far as the facilitator. */
export const NOT_REACHED: ReadonlySet<string> = new Set<ErrorCode>(['facilitator_unreachable', 'facilitator_timeout']);

/** A settlement that is about to be asked for. */
export interface Asking {
  readonly payment: Payment;
  readonly amount: Amount;
  /** Who verified the payment. */
  readonly facilitator: Facilitator;
  /** Default: `first`. */
  readonly asking?: AskingOrder;
  /**
   * Writes down the attempt and its facilitator, in one step and before anything is sent. From then on only that
   * facilitator may report the outcome.
   */
  readonly journal: (attempt: SettlementAttempt, by: Facilitator) => Promise<void>;
  /**
   * The next facilitator, which has verified the payment, after the ones in `tried` sent nothing. `undefined` when
   * there is none.
   *
   * @param why the answer of the last facilitator tried, for operators
   */
  readonly next: (tried: ReadonlySet<Facilitator>, why: unknown) => Promise<Facilitator | undefined>;
}

/**
 * Asks for the settlement, and asks the next facilitator only where nothing was sent: the one before refused without
 * reading the payment, declined, or could not be reached.
 *
 * | killed | the row says | what recovery does |
 * |---|---|---|
 * | before the second attempt was written down | `settling`, the first facilitator and its attempt | asks the first one, which sent nothing: by the chain, or by asking for the same again |
 * | after it | `settling`, the second facilitator and its attempt | asks the second one |
 *
 * If a facilitator refused but sent the transfer all the same, the next one finds the authorization used: an
 * authorization moves the money once.
 *
 * @throws GatewayError the fault of the last one that declined; whatever `journal` rejected with
 */
export async function settleInTurn({
  payment,
  amount,
  facilitator,
  asking = 'first',
  journal,
  next,
}: Asking): Promise<SettlementOutcome> {
  const tried = new Set<Facilitator>();
  let by = facilitator;
  for (;;) {
    tried.add(by);
    const declined = await askOnce(by, { payment, amount, journal, asking });
    if (declined.kind === 'outcome') return declined.outcome;
    const another = await next(tried, declined.why);
    if (another === undefined) return declined.end();
    by = another;
  }
}

/**
 * The result of asking one facilitator. Where nothing was sent, `end` returns or throws the result without a further
 * one.
 */
type Asked =
  | { readonly kind: 'outcome'; readonly outcome: SettlementOutcome }
  | { readonly kind: 'nothing_sent'; readonly why: unknown; readonly end: () => SettlementOutcome };

async function askOnce(
  by: Facilitator,
  { payment, amount, journal, asking }: Pick<Asking, 'payment' | 'amount' | 'journal' | 'asking'>,
): Promise<Asked> {
  try {
    const outcome = outcomeFor(amount, await by.settle(payment, amount, (attempt) => journal(attempt, by), asking));
    if (outcome.kind !== 'failed' || !NOT_REACHED.has(outcome.reason)) return { kind: 'outcome', outcome };
    return { kind: 'nothing_sent', why: new Error(outcome.reason), end: () => outcome };
  } catch (fault) {
    if (!(fault instanceof GatewayError) || fault.code !== 'facilitator_overloaded') throw fault;
    const end = (): never => {
      throw fault;
    };
    return { kind: 'nothing_sent', why: fault, end };
  }
}
