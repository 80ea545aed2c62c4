import { performance } from 'node:perf_hooks';
import { transactionOf } from '../domain/receipt.ts';
import type { RequestHead } from '../domain/request-head.ts';
import type { RequestOutcome } from '../observe/observer.ts';
import { charge } from '../pipeline/charge.ts';
import type { ClaimedPayment } from '../pipeline/claim.ts';
import type { AcceptedRequest, RoutedRequest } from '../pipeline/exchange.ts';
import { paidFacts } from '../pipeline/forward.ts';
import { noticeHeaders } from '../pipeline/refusal.ts';
import type { Runtime, Services } from '../pipeline/runtime.ts';
import { serveAgain } from '../pipeline/serve-charged.ts';
import {
  type Admission,
  type AuthorizedPayment,
  type CollectablePayment,
  type Refusal,
  type Served,
  type SettlementNotice,
  served,
} from '../pipeline/stages.ts';
import type { Transport } from '../pipeline/transport.ts';
import { claimThen } from '../pipeline/with-claim.ts';
import { type PaidFacts, pushPaidFacts } from '../proxy/headers/to-upstream.ts';
import type { AskingClient } from './asking-client.ts';
import { describedRequest } from './described-request.ts';
import type { QuestionForm } from './question-form.ts';

/** What an operator reads beside a payment that let a request pass. */
const NOTE = 'let through: what was delivered stands in the log of the proxy that asked';

/**
 * The last stage where a proxy asks: nothing is forwarded, and the proxy is told that the request may pass. A payment
 * is settled before that (`settle: before`).
 *
 * Whether the proxy delivers cannot be seen, so the row ends in `delivery_unknown`, with a note: the same payment buys
 * nothing again, and nobody has to look into it. Before the charge a crash has the effects of `settle: before`. After
 * it, the row says `delivering` until the yes has gone out: after a crash, or where the proxy has left before the yes,
 * the same payment can collect a yes once more (`undelivered`), of a safe method. A crash right after the yes can so let
 * one request pass twice, as it can serve one twice where the gateway forwards.
 */
export class LetPass implements Transport {
  readonly #client: AskingClient;
  readonly #form: QuestionForm;

  constructor(client: AskingClient, form: QuestionForm) {
    this.#client = client;
    this.#form = form;
  }

  readonly described = (question: RequestHead, runtime: Runtime): RequestHead =>
    describedRequest(question, this.#form, runtime);

  async serveFree(request: AcceptedRequest): Promise<Served> {
    return ended(await this.#letPass(request), 'free');
  }

  async servePreflight(request: AcceptedRequest): Promise<Served> {
    return ended(await this.#letPass(request), 'preflight');
  }

  async servePaid(
    request: RoutedRequest,
    authorized: AuthorizedPayment,
    services: Services,
  ): Promise<Served | Refusal> {
    if (request.clientGone.aborted) return served('client_gone');
    const goOn = async (claimed: ClaimedPayment): Promise<Served | Refusal> => {
      const charged = await charge(request, claimed, authorized, services);
      return charged.kind === 'refusal' ? charged : await this.#handOver(request, claimed, charged.notice, services);
    };
    return await claimThen(request, authorized, 'before', services, goOn, this);
  }

  async serveAdmitted(request: RoutedRequest, admission: Admission): Promise<Served> {
    const { facts, headers, outcome, giveBack } = admission;
    const arrived = await this.#letPass(request, facts, headers);
    if (!arrived) giveBack();
    return ended(arrived, outcome);
  }

  async collect(
    request: RoutedRequest,
    collectable: CollectablePayment,
    services: Services,
  ): Promise<Served | Refusal> {
    return await serveAgain(request, collectable, services, (claimed, notice) =>
      this.#handOver(request, claimed, notice, services),
    );
  }

  async #handOver(
    request: RoutedRequest,
    claimed: ClaimedPayment,
    notice: SettlementNotice,
    { ledger, clock }: Services,
  ): Promise<Served> {
    request.notes.transaction = transactionOf(notice.receipt);
    const arrived = await this.#letPass(request, paidFacts(claimed.record), noticeHeaders(notice, 200));
    if (!arrived) {
      await claimed.move({ to: 'undelivered', reason: 'the proxy left before it was told' });
      return served('client_gone');
    }
    await claimed.move({ to: 'delivery_unknown', reason: 'let through' });
    await ledger.resolve(claimed.record.key, { at: clock(), note: NOTE });
    return served('paid');
  }

  /** @returns whether the proxy got the answer */
  async #letPass(
    { notes, requestId }: AcceptedRequest,
    facts?: PaidFacts,
    told: readonly (readonly [name: string, value: string])[] = [],
  ): Promise<boolean> {
    const headers = ['X-Request-Id', requestId, ...told.flat()];
    if (facts !== undefined) pushPaidFacts(headers, facts);
    notes.headAt = performance.now();
    return await this.#client.letPass(headers);
  }
}

function ended(arrived: boolean, outcome: RequestOutcome): Served {
  return served(arrived ? outcome : 'client_gone');
}
