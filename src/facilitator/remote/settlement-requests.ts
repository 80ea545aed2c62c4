import type { Amount } from '../../domain/amount.ts';
import { GatewayError } from '../../domain/gateway-error.ts';
import type { Payment } from '../../domain/payment.ts';
import { nothingMoved, type SettlementOutcome } from '../../domain/settlement.ts';
import type { AskingOrder, Journal, Verification } from '../facilitator.ts';
import type { AskedAt } from './asked-at.ts';
import type { Exchange } from './exchange.ts';
import type { FacilitatorCalls } from './facilitator-calls.ts';
import type { OwnWitnesses } from './own-witnesses.ts';
import type { PublicNodes } from './public-nodes.ts';
import type { Rest } from './rest.ts';
import { unbelieved, wantsVerification } from './settle-answer.ts';
import { encodeAttempt } from './settlement-attempt.ts';
import type { WirePayments } from './wire-payments.ts';

/** How long an unverified payment, or one in doubt, waits for the chain's newest block, in milliseconds. */
const MARK_MS = 1_000;

/**
 * Statuses of `/settle` that mean a refusal at the door, before the payment was read, if the body is no settle answer.
 */
const AT_THE_DOOR: ReadonlySet<number> = new Set([401, 402, 403, 429]);

/** The parts of a facilitator that a request to settle needs. */
export interface SettlementRequestsDeps {
  readonly calls: FacilitatorCalls;
  readonly wire: WirePayments;
  readonly rest: Rest;
  readonly witnesses: OwnWitnesses;
  readonly publicNodes: PublicNodes | undefined;
  /** Verifies a payment, within the time that the configuration gives. */
  readonly verify: (payment: Payment) => Promise<Verification>;
}

/** One request to settle, as it was sent. */
interface AskedOnce {
  readonly payment: Payment;
  readonly amount: Amount;
  readonly body: string;
  /** When it was asked for, for a payment that was not verified before. */
  readonly mark: AskedAt | undefined;
  readonly asking: AskingOrder;
}

/** The requests to settle at one facilitator. */
export class SettlementRequests {
  readonly #calls: FacilitatorCalls;
  readonly #wire: WirePayments;
  readonly #rest: Rest;
  readonly #witnesses: OwnWitnesses;
  readonly #publicNodes: PublicNodes | undefined;
  readonly #verify: SettlementRequestsDeps['verify'];
  /** Payments that it is asked to settle without a verification. */
  readonly #unverified = new WeakSet<Payment>();
  /** Whether it has refused to settle a payment that it had not verified. */
  #wantsVerification = false;

  constructor({ calls, wire, rest, witnesses, publicNodes, verify }: SettlementRequestsDeps) {
    this.#calls = calls;
    this.#wire = wire;
    this.#rest = rest;
    this.#witnesses = witnesses;
    this.#publicNodes = publicNodes;
    this.#verify = verify;
  }

  /** As `Facilitator.takeUnverified`. */
  takeUnverified(payment: Payment): boolean {
    // Which form a v1 payment takes depends on what is supported.
    if (this.#wantsVerification || !this.#wire.knowsKinds) return false;
    this.#unverified.add(payment);
    return true;
  }

  /**
   * Sends one request to settle, and reads its outcome; as `Facilitator.settle`.
   *
   * @throws GatewayError `facilitator_overloaded`: nothing was sent, or it was refused at the door
   */
  async settle(payment: Payment, amount: Amount, journal: Journal, asking: AskingOrder): Promise<SettlementOutcome> {
    // No money has to move, so there is no request.
    if (amount === 0n) return nothingMoved(payment.authorization.payer);
    const mark = this.#unverified.has(payment) ? await this.#markOrVerify(payment) : undefined;
    if (mark?.kind === 'failed') return mark;
    const { body, version } = this.#wire.prepare(payment, amount);
    await journal(encodeAttempt({ version, askedAt: mark?.kind === 'block' ? mark : undefined }));
    const askedAt = performance.now();
    let answer = await this.#calls.call('settle', body, undefined);
    if (mark !== undefined && wantsVerification(answer) && this.#wire.named(answer, payment, body) === undefined) {
      this.#wantsVerification = true;
      const refused = await this.#verifyFirst(payment);
      if (refused !== undefined) return refused;
      answer = await this.#calls.call('settle', body, undefined);
    }
    this.#wire.noteCatalogue(payment, answer);
    const said = this.#wire.readSettlement(answer, payment, amount, { body });
    const outcome =
      said === undefined
        ? await this.#outcomeUnsaid(answer, { payment, amount, body, mark, asking })
        : await this.#witnesses.confirm(payment, said, { amount, askedAt: mark });
    if (
      mark?.kind === 'unmarked' &&
      answer.kind === 'answered' &&
      outcome.kind === 'unknown' &&
      !namesTransaction(said)
    ) {
      await journal(encodeAttempt({ version, askedAt: await this.#markLate(payment, askedAt) }));
    }
    return outcome;
  }

  /**
   * The newest block before an unverified payment is asked for: only the chain's clock can tell its transfer from an
   * earlier one. Where our node does not say, the payment is verified after all. Without a node of our own there is no
   * mark: no request waits for a public node.
   *
   * @returns `failed` where it was refused, `undefined` where it was verified
   * @throws GatewayError `facilitator_overloaded`: the verification failed, and nothing was sent
   */
  async #markOrVerify(payment: Payment): Promise<AskedAt | Extract<SettlementOutcome, { kind: 'failed' }> | undefined> {
    const witness = this.#witnesses.of(payment);
    if (witness?.newest === undefined) return { kind: 'unmarked' };
    const newest = await witness.newest(AbortSignal.timeout(MARK_MS)).catch(() => undefined);
    return newest === undefined ? await this.#verifyFirst(payment) : { kind: 'block', ...newest };
  }

  /** When a settlement that is in doubt was asked for, by the clock of a public node's chain. */
  async #markLate(payment: Payment, askedAt: number): Promise<AskedAt> {
    const newest = await this.#publicNodes?.newest(payment.offer.network, AbortSignal.timeout(MARK_MS));
    if (newest === undefined) return { kind: 'unmarked' };
    return { kind: 'time', seconds: newest.timestamp - (performance.now() - askedAt) / 1000 };
  }

  /** The outcome where the answer does not speak the protocol, or where there is no answer. */
  async #outcomeUnsaid(answer: Exchange, asked: AskedOnce): Promise<SettlementOutcome> {
    if (answer.kind === 'answered' && AT_THE_DOOR.has(answer.status)) {
      const behind = await this.#behindTheDoor(answer, asked);
      if (behind !== undefined) return behind;
      // Nothing was sent: at a refusal at the door the payment was not read. Another facilitator can take it at once.
      // A debt is asked for again for minutes: that one payer is refused must not stop all others each time.
      if (asked.asking === 'again') throw this.#rest.refusal(answer.status);
      this.#rest.begin(answer.status, answer.retryAfter);
      throw this.#rest.fault(1);
    }
    const nothingLeft = answer.kind === 'broken' && !answer.sent;
    return { kind: nothingLeft ? 'failed' : 'unknown', reason: this.#calls.faultOf(answer).code };
  }

  /** What became of a payment that was refused at the door and settled all the same; `undefined` where nothing shows it. */
  async #behindTheDoor(
    answer: Exchange,
    { payment, amount, body, mark }: AskedOnce,
  ): Promise<SettlementOutcome | undefined> {
    const refused = { kind: 'failed', reason: 'facilitator_overloaded' } as const;
    const seen = await this.#witnesses.confirm(payment, refused, { amount, askedAt: mark });
    if (seen !== refused) return seen;
    const named = this.#wire.named(answer, payment, body);
    return named === undefined ? undefined : unbelieved(named);
  }

  /**
   * Verifies a payment that was to be settled unverified. `undefined` where the payment is valid.
   *
   * @throws GatewayError `facilitator_overloaded`: the verification failed, and nothing was sent
   */
  async #verifyFirst(payment: Payment): Promise<Extract<SettlementOutcome, { kind: 'failed' }> | undefined> {
    try {
      const verification = await this.#verify(payment);
      return verification.kind === 'valid' ? undefined : { kind: 'failed', reason: verification.reason };
    } catch (fault) {
      throw new GatewayError('facilitator_overloaded', { cause: fault, retryAfterSeconds: 1 });
    }
  }
}

/** Whether a facilitator says which transaction it has sent. */
function namesTransaction(said: SettlementOutcome | undefined): boolean {
  return said?.kind === 'settled' || said?.transaction !== undefined;
}
