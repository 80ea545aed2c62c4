import { randomBytes } from 'node:crypto';
import type { Amount } from '../../domain/amount.ts';
import type { CatalogueAnswer } from '../../domain/discovery.ts';
import type { RemoteFacilitatorSpec } from '../../domain/facilitator-spec.ts';
import { GatewayError } from '../../domain/gateway-error.ts';
import { InFlight } from '../../domain/in-flight.ts';
import type { Network } from '../../domain/network.ts';
import type { NetworkFamilies } from '../../domain/network-family.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementAttempt } from '../../domain/payment-record.ts';
import { nothingMoved, type SettlementOutcome } from '../../domain/settlement.ts';
import type { SupportedKind } from '../../domain/x402.ts';
import type {
  AskingOrder,
  Facilitator,
  ForeignTransfer,
  Journal,
  OpenSettlement,
  Verification,
} from '../facilitator.ts';
import type { AskedAt } from './asked-at.ts';
import type { Exchange } from './exchange.ts';
import { FacilitatorCalls } from './facilitator-calls.ts';
import { type LoadWitness, PublicNodes } from './public-nodes.ts';
import { Rest } from './rest.ts';
import { unbelieved, wantsVerification } from './settle-answer.ts';
import { decodeAttempt, encodeAttempt } from './settlement-attempt.ts';
import { WirePayments } from './wire-payments.ts';
import { wireRequest } from './wire-request.ts';
import type { OpenWitness, Witness } from './witness.ts';

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

/** How long an unverified payment, or one in doubt, waits for the chain's newest block, in milliseconds. */
const MARK_MS = 1_000;

/**
 * Statuses of `/settle` that mean a refusal at the door, before the payment was read, if the body is no settle answer.
 */
const AT_THE_DOOR: ReadonlySet<number> = new Set([401, 402, 403, 429]);

/** One request to settle, as it was sent. */
interface AskedOnce {
  readonly payment: Payment;
  readonly amount: Amount;
  readonly body: string;
  /** When it was asked for, for a payment that was not verified before. */
  readonly mark: AskedAt | undefined;
  readonly asking: AskingOrder;
}

class RemoteFacilitator implements Facilitator {
  readonly name: string;
  readonly #spec: RemoteFacilitatorSpec;
  readonly #clock: () => number;
  readonly #calls: FacilitatorCalls;
  readonly #wire: WirePayments;
  readonly #witnesses: ReadonlyMap<string, Witness>;
  readonly #publicNodes: PublicNodes | undefined;
  readonly #settling = new InFlight<Promise<SettlementOutcome>>();
  readonly #rest: Rest;
  /** Payments that it is asked to settle without a verification. */
  readonly #unverified = new WeakSet<Payment>();
  /** Whether it has refused to settle a payment that it had not verified. */
  #wantsVerification = false;

  constructor(spec: RemoteFacilitatorSpec, deps: RemoteFacilitatorDeps) {
    this.name = spec.name;
    this.#spec = spec;
    this.#clock = deps.clock ?? Date.now;
    this.#calls = new FacilitatorCalls(spec, this.#clock, deps.random ?? randomBytes);
    this.#rest = new Rest(this.#clock);
    if (deps.loadWitness !== undefined && spec.publicNodes !== undefined) {
      this.#publicNodes = new PublicNodes(spec, deps.loadWitness, this.#clock);
    }
    const { families, onStrangeReason } = deps;
    this.#wire = new WirePayments(families, (operation, text) => onStrangeReason?.(spec.name, operation, text));
    this.#witnesses = openWitnesses(spec, deps.openWitness, this.#clock);
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
    // Which form a v1 payment takes depends on what is supported.
    if (this.#wantsVerification || !this.#wire.knowsKinds) return false;
    this.#unverified.add(payment);
    return true;
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
    const settling = this.#settle(payment, amount, journal, asking).finally(() => this.#settling.remove(entry));
    const entry = this.#settling.add(settling);
    return settling;
  }

  async resolve(open: OpenSettlement, signal: AbortSignal): Promise<SettlementOutcome> {
    const { payment, amount, attempt, known } = open;
    const askedAt = attempt === undefined ? undefined : decodeAttempt(attempt)?.askedAt;
    const witness = this.#witnesses.get(payment.offer.network);
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
    const witness = this.#witnesses.get(payment.offer.network);
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
    if (outcome.kind === 'settled') return await this.#confirm(payment, amount, outcome, undefined);
    const lastAnswerAt = (payment.authorization.expiresAt + LAST_ANSWER_SECONDS) * 1000;
    const reason = this.#clock() > lastAnswerAt ? 'expired_unresolved' : outcome.reason;
    return { ...outcome, kind: 'unknown', reason };
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#settling.values);
    await this.#calls.close();
  }

  async #settle(payment: Payment, amount: Amount, journal: Journal, asking: AskingOrder): Promise<SettlementOutcome> {
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
        : await this.#confirm(payment, amount, said, mark);
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
    const witness = this.#witnesses.get(payment.offer.network);
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
    const seen = await this.#confirm(payment, amount, refused, mark);
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
      const verification = await this.verify(payment, AbortSignal.timeout(this.#spec.verifyTimeoutMs));
      return verification.kind === 'valid' ? undefined : { kind: 'failed', reason: verification.reason };
    } catch (fault) {
      throw new GatewayError('facilitator_overloaded', { cause: fault, retryAfterSeconds: 1 });
    }
  }

  async #confirm(
    payment: Payment,
    amount: Amount,
    said: SettlementOutcome,
    askedAt: AskedAt | undefined,
  ): Promise<SettlementOutcome> {
    const witness = this.#witnesses.get(payment.offer.network);
    if (witness === undefined) return said;
    return await witness.confirm(payment, said, { amount, askedAt, patienceMs: this.#spec.settleTimeoutMs });
  }
}

/** Whether a facilitator says which transaction it has sent. */
function namesTransaction(said: SettlementOutcome | undefined): boolean {
  return said?.kind === 'settled' || said?.transaction !== undefined;
}

const NOT_SENT: SettlementOutcome = { kind: 'failed', reason: 'settlement_not_sent' };

function openWitnesses(
  { name, rpc, proxies }: RemoteFacilitatorSpec,
  open: OpenWitness | undefined,
  clock: () => number,
): ReadonlyMap<Network, Witness> {
  return new Map(
    [...rpc].map(([network, url]) => {
      if (open === undefined) throw new Error(`nothing was loaded to read the nodes of the facilitator ${name} with`);
      return [network, open(network, url, clock, proxies?.get(url))];
    }),
  );
}
