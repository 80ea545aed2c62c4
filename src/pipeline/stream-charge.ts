import type { Amount } from '../domain/amount.ts';
import type { AnswerEnd } from '../domain/answer-end.ts';
import type { Charge, StreamReading } from '../domain/answer-reader.ts';
import { parseFieldList } from '../proxy/field-list.ts';
import type { LastPart, Passage } from '../proxy/passage.ts';
import type { RelayOutcome } from '../proxy/upstream-connection.ts';
import { chargeEvent, usageFact } from './charge-facts.ts';
import type { ClaimedPayment } from './claim.ts';
import type { RoutedRequest } from './exchange.ts';
import { toldOf } from './refusal.ts';
import type { Services } from './runtime.ts';
import { promise } from './serve-deferred.ts';
import type { AuthorizedPayment } from './stages.ts';

/** The amount that is asked for: never more than was signed. */
export function asked(amount: Amount, { payment }: AuthorizedPayment): Amount {
  return amount < payment.offer.amount ? amount : payment.offer.amount;
}

/**
 * Charges a stream while it goes out. The payment is `uncharged` before its first byte; the charge is written down
 * before the last part goes out, or when the answer broke off. See {@link AnswerReader} for what a crash does.
 */
export class StreamCharge implements Passage {
  readonly #request: RoutedRequest;
  readonly #claimed: ClaimedPayment;
  readonly #authorized: AuthorizedPayment;
  readonly #reading: StreamReading;
  readonly #services: Services;
  #charge: Charge | undefined;
  /** While the charge is being written down. */
  #deciding: Promise<Charge> | undefined;
  #isOutOfTime = false;

  constructor(
    request: RoutedRequest,
    { claimed, authorized }: { readonly claimed: ClaimedPayment; readonly authorized: AuthorizedPayment },
    reading: StreamReading,
    services: Services,
  ) {
    this.#request = request;
    this.#claimed = claimed;
    this.#authorized = authorized;
    this.#reading = reading;
    this.#services = services;
  }

  /** Cuts the answer, because its payment would expire before it ends. */
  runOut(): void {
    this.#isOutOfTime = true;
  }

  pass(chunk: Buffer): readonly Uint8Array[] {
    return this.#reading.pass(chunk);
  }

  /** Writes the charge down, and returns the last part of the answer. */
  async end(): Promise<LastPart> {
    const charge = await this.#decide('complete');
    if (charge.kind === 'release') return { bytes: charge.finish?.(undefined), trailers: [] };
    const notice = promise(this.#authorized, asked(charge.amount, this.#authorized));
    // The status of the answer, whose head has gone out as a success.
    const told = toldOf(notice, 200);
    const bytes = charge.finish?.(told);
    return { bytes, trailers: takesTrailers(this.#request) ? told.fields.map(([name, value]) => [name, value]) : [] };
  }

  /**
   * Writes down how the answer ended, and its charge where that is not written yet. After a step that could not be
   * written the payment is let go already.
   */
  async close(outcome: RelayOutcome): Promise<void> {
    // Cut while the charge was being written: the next step waits for that one.
    const isLetGo = await this.#deciding?.then(
      () => false,
      () => true,
    );
    if (isLetGo === true) return;
    const charge = this.#charge ?? (await this.#decide(endAfter(outcome, this.#isOutOfTime)));
    if (charge.kind === 'release') return;
    // A buyer who left has had what was charged: another call would be another charge.
    const end = outcome.kind === 'complete' ? ({ answered: true } as const) : ({ leftEarly: true } as const);
    await this.#claimed.owe(this.#authorized.payment, end, this.#services.debts);
  }

  /** If the reader fails, the call costs nothing and its answer is cut. */
  async #readEnd(how: AnswerEnd): Promise<Charge> {
    try {
      return this.#reading.end(how);
    } catch (fault) {
      this.#charge = UNREADABLE;
      await this.#claimed.move({ to: 'released', reason: UNREADABLE.reason });
      throw fault;
    }
  }

  #decide(how: AnswerEnd): Promise<Charge> {
    this.#deciding = this.#writeCharge(how);
    return this.#deciding;
  }

  async #writeCharge(how: AnswerEnd): Promise<Charge> {
    const charge = await this.#readEnd(how);
    this.#charge = charge;
    if (charge.kind === 'release') await this.#claimed.move({ to: 'released', reason: charge.reason });
    else {
      const amount = asked(charge.amount, this.#authorized);
      await this.#claimed.move({ to: 'owed', asked: amount, ...usageFact(charge) });
      this.#services.observer.answerCharged(chargeEvent(this.#request, this.#authorized, charge, amount));
    }
    return charge;
  }
}

const UNREADABLE = { kind: 'release', reason: 'the answer could not be read' } as const satisfies Charge;

/** Whether trailers reach the client of a request. */
export function takesTrailers({ head }: RoutedRequest): boolean {
  const { te } = head.headers;
  return head.httpVersionMinor > 0 && typeof te === 'string' && parseFieldList(te).includes('trailers');
}

/** The outcome of a stream whose last part did not go out: even if all the rest was relayed, it is incomplete. */
export function endAfter({ kind }: RelayOutcome, isOutOfTime: boolean): AnswerEnd {
  if (isOutOfTime) return 'out_of_time';
  return kind === 'complete' ? 'upstream_broke' : kind;
}
