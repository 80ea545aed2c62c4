import { randomBytes } from 'node:crypto';
import type { Amount } from '../../domain/amount.ts';
import type { CatalogueAnswer } from '../../domain/discovery.ts';
import type { RemoteFacilitatorSpec } from '../../domain/facilitator-spec.ts';
import { InFlight } from '../../domain/in-flight.ts';
import type { NetworkFamilies } from '../../domain/network-family.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementAttempt } from '../../domain/payment-record.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { SupportedKind } from '../../domain/x402.ts';
import type {
  AskingOrder,
  Facilitator,
  ForeignTransfer,
  Journal,
  OpenSettlement,
  Verification,
} from '../facilitator.ts';
import type { Exchange } from './exchange.ts';
import { FacilitatorCalls } from './facilitator-calls.ts';
import { OwnWitnesses } from './own-witnesses.ts';
import { type LoadWitness, PublicNodes } from './public-nodes.ts';
import { Rest } from './rest.ts';
import { decodeAttempt } from './settlement-attempt.ts';
import { SettlementRequests } from './settlement-requests.ts';
import { WirePayments } from './wire-payments.ts';
import { wireRequest } from './wire-request.ts';
import type { OpenWitness } from './witness.ts';

/** The dependencies of a remote facilitator. */
export interface RemoteFacilitatorDeps {
  /** They define the forms of payers and transactions in answers. */
  readonly families: NetworkFamilies;
  /** The time in Unix milliseconds. Default `Date.now`. */
  readonly clock?: () => number;
  /** `size` random bytes. Default `node:crypto`. */
  readonly random?: (size: number) => Buffer;
  /** Opens the nodes of `spec.rpc`; needed where there are any. */
  readonly openWitness?: OpenWitness | undefined;
  /** Opens `spec.publicNodes`, loaded with the first settlement in doubt. Default: they are not asked. */
  readonly loadWitness?: LoadWitness | undefined;
  /** Called with the facilitator's text that no buyer may read. Must not throw. Default: the text is dropped. */
  readonly onStrangeReason?: StrangeReason | undefined;
}

/** Called with a facilitator's own text of a refusal, bounded and without possible secrets. */
export type StrangeReason = (facilitator: string, operation: 'verify' | 'settle', text: string) => void;

/**
 * Opens a facilitator behind HTTP. Connects to nothing yet.
 *
 * Results of each kind of trouble:
 *
 * | trouble | `verify`, `supported` throw | `settle` returns |
 * |---|---|---|
 * | no connection: refused, no such host, TLS, too slow to connect | `facilitator_unreachable`, `facilitator_timeout` | `failed` |
 * | connection lost after the request may have left | `facilitator_unreachable` | `unknown` |
 * | no whole answer in time | `facilitator_timeout` | `unknown` |
 * | 401, 402, 403 or 429 without a protocol answer | as below | throws `facilitator_overloaded`: refused at the door, unless the chain or the answer shows a transfer |
 * | 429 or 503 without a protocol answer | `facilitator_overloaded` with Retry-After | `unknown` |
 * | redirect, other status, not JSON, too big, wrong member | `facilitator_invalid_answer` | `unknown` |
 *
 * `failed` without a connection is certain because of {@link Exchange}'s `sent`: not one byte of this call left, so it
 * moved nothing and never will. It says nothing about an *earlier* settlement of the same payment, which is why
 * `resolve` takes no refusal for an answer.
 *
 * A facilitator that refuses at the door (quota used up, bad key) has not read the payment. It rests for a while:
 * `verify` throws `facilitator_overloaded` at once, so that payments go to the next facilitator. The refusal may come
 * from something in front of it, after it has settled:
 *
 * | refused at the door | outcome | killed before it is written down |
 * |---|---|---|
 * | a node shows the transfer | `settled` | `settling` with the attempt: recovery finds the same transfer |
 * | it names a transaction that no node shows | `unknown` | the same row: recovery asks the chain, or the facilitator again |
 * | neither | nothing was sent, and it rests | the same row: recovery asks again, which moves the money once at most |
 *
 * Without an RPC URL for the payment's network the facilitator decides: its complete statements count, and `resolve`
 * sends it the same request, byte for byte, again. With an RPC URL the chain decides: a success whose transaction does
 * not prove the transfer is `unknown`, and `resolve` reads the chain first. Where the authorization is unused and can
 * still be used, the facilitator gets the same request again: it can move the money only once. Its refusal then decides
 * nothing, because the earlier request may still be on its way to the chain.
 *
 * A public node is asked only by `resolve`, and only about settlements in doubt; the rules of an RPC URL then apply to
 * it.
 *
 * The authorization of an unverified payment may have been used before the request, by a transfer that anyone can read
 * on the chain. Such a transfer is no settlement of this payment. Only the chain says what was before: our node's newest
 * block is read before the request, and written down with the attempt. A public node is asked after an answer that leaves
 * a doubt, and what it says is written down then.
 *
 * | the chain shows the transfer | with our node | with a public one |
 * |---|---|---|
 * | up to that block; from before the request by more than blocks lie apart | `failed`: the authorization is used | the same |
 * | from just before the request | does not occur | `unknown` |
 * | after that: sent by this facilitator, or by somebody who was faster | `settled` | `settled` |
 *
 * A process that is killed before the answer leaves, without a node of our own, an attempt like that of a verified
 * payment.
 *
 * @throws Error when `spec.cdp` holds no usable key, or `spec.rpc` names a node and there is nothing to read it with.
 */
export function openRemoteFacilitator(spec: RemoteFacilitatorSpec, deps: RemoteFacilitatorDeps): Facilitator {
  return new RemoteFacilitator(spec, deps);
}

/**
 * How long after the end of an authorization an answer may still change, in seconds: a settlement of the last moment is
 * mined and reported a little later.
 */
const LAST_ANSWER_SECONDS = 300;

class RemoteFacilitator implements Facilitator {
  readonly name: string;
  readonly #clock: () => number;
  readonly #calls: FacilitatorCalls;
  readonly #wire: WirePayments;
  readonly #witnesses: OwnWitnesses;
  readonly #publicNodes: PublicNodes | undefined;
  readonly #settling = new InFlight<Promise<SettlementOutcome>>();
  readonly #rest: Rest;
  readonly #requests: SettlementRequests;

  constructor(spec: RemoteFacilitatorSpec, deps: RemoteFacilitatorDeps) {
    this.name = spec.name;
    this.#clock = deps.clock ?? Date.now;
    this.#calls = new FacilitatorCalls(spec, this.#clock, deps.random ?? randomBytes);
    this.#rest = new Rest(this.#clock);
    if (deps.loadWitness !== undefined && spec.publicNodes !== undefined) {
      this.#publicNodes = new PublicNodes(spec, deps.loadWitness, this.#clock);
    }
    const { families, onStrangeReason } = deps;
    this.#wire = new WirePayments(families, (operation, text) => onStrangeReason?.(spec.name, operation, text));
    this.#witnesses = new OwnWitnesses(spec, deps.openWitness, this.#clock);
    this.#requests = new SettlementRequests({
      calls: this.#calls,
      wire: this.#wire,
      rest: this.#rest,
      witnesses: this.#witnesses,
      publicNodes: this.#publicNodes,
      verify: (payment) => this.verify(payment, AbortSignal.timeout(spec.verifyTimeoutMs)),
    });
  }

  get resting(): string | undefined {
    return this.#rest.why;
  }

  async supported(signal: AbortSignal): Promise<readonly SupportedKind[]> {
    const answer = await this.#calls.call('supported', undefined, signal);
    if (answer.kind === 'broken' || answer.status < 200 || answer.status > 299) throw this.#calls.faultOf(answer);
    return this.#wire.readSupported(answer.body);
  }

  async verify(payment: Payment, signal: AbortSignal): Promise<Verification> {
    if (this.resting !== undefined) throw this.#rest.fault();
    // Which form a v1 payment takes depends on what is supported.
    if (payment.submission.version === 1 && !this.#wire.knowsKinds) await this.supported(signal);
    const prepared = this.#wire.prepare(payment, payment.offer.amount);
    const answer = await this.#calls.call('verify', prepared.body, signal);
    const verification = this.#wire.readVerification(answer, payment);
    if (verification === undefined) throw this.#calls.faultOf(answer);
    return verification;
  }

  takeUnverified(payment: Payment): boolean {
    return this.#requests.takeUnverified(payment);
  }

  catalogued(payment: Payment): CatalogueAnswer | undefined {
    return this.#wire.catalogued(payment);
  }

  settle(
    payment: Payment,
    amount: Amount,
    journal: Journal,
    asking: AskingOrder = 'first',
  ): Promise<SettlementOutcome> {
    const settling = this.#requests
      .settle(payment, amount, journal, asking)
      .finally(() => this.#settling.remove(entry));
    const entry = this.#settling.add(settling);
    return settling;
  }

  async resolve(open: OpenSettlement, signal: AbortSignal): Promise<SettlementOutcome> {
    const { payment, amount, attempt, known } = open;
    const askedAt = attempt === undefined ? undefined : decodeAttempt(attempt)?.askedAt;
    const witness = this.#witnesses.of(payment);
    if (witness !== undefined) {
      const seen = await witness.resolve({ ...open, askedAt }, signal);
      if (seen.kind !== 'unused') return seen.outcome;
      if (attempt === undefined) return NOT_SENT;
      // The chain undid the settlement: that is reported, but not settled again. Its answer went out long ago.
      if (known !== undefined) return { kind: 'unknown', reason: 'settlement_pending' };
      return await this.#askAgain(payment, amount, attempt, signal);
    }
    // Without a chain there is nothing to read. Another request to settle would cost a call for each payment, and the
    // facilitator would refuse it because the authorization is used: that says nothing about the settlement.
    if (known !== undefined) return { kind: 'settled', settlement: known };
    // Every attempt is written down before the request: without an attempt there was no request.
    if (attempt === undefined) return NOT_SENT;
    const seen = await this.#publicNodes?.look({ ...open, askedAt }, signal);
    if (seen?.kind === 'outcome' && seen.outcome.kind !== 'unknown') return seen.outcome;
    return await this.#askAgain(payment, amount, attempt, signal);
  }

  /** Asks only the operator's own node: a public node is asked only about settlements in doubt. */
  async findForeign(payment: Payment, signal: AbortSignal): Promise<ForeignTransfer> {
    const witness = this.#witnesses.of(payment);
    return (await witness?.findForeign(payment, signal)) ?? { kind: 'unseen' };
  }

  /**
   * Asks for the same settlement once more, byte for byte. Its authorization can move the money once, so that asking
   * again cannot charge twice. A refusal says that nothing moves now, not that nothing did.
   */
  async #askAgain(
    payment: Payment,
    amount: Amount,
    attempt: SettlementAttempt,
    signal: AbortSignal,
  ): Promise<SettlementOutcome> {
    const asked = decodeAttempt(attempt);
    if (asked === undefined) return { kind: 'unknown', reason: 'evidence_unreadable' };
    const { version } = asked;
    const body = JSON.stringify(wireRequest(payment, amount, version));
    const answer = await this.#calls.call('settle', body, signal);
    const outcome = this.#wire.readSettlement(answer, payment, amount, { body });
    if (outcome === undefined) throw this.#calls.faultOf(answer);
    if (outcome.kind === 'settled') {
      return await this.#witnesses.confirm(payment, outcome, { amount, askedAt: undefined });
    }
    const lastAnswerAt = (payment.authorization.expiresAt + LAST_ANSWER_SECONDS) * 1000;
    const reason = this.#clock() > lastAnswerAt ? 'expired_unresolved' : outcome.reason;
    return { ...outcome, kind: 'unknown', reason };
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#settling.values);
    await this.#calls.close();
  }
}

const NOT_SENT: SettlementOutcome = { kind: 'failed', reason: 'settlement_not_sent' };
