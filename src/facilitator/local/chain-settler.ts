import { parseTransaction } from 'viem';
import type { LocalFacilitatorSpec } from '../../domain/facilitator-spec.ts';
import { GatewayError } from '../../domain/gateway-error.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementAttempt } from '../../domain/payment-record.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { Call } from '../chain/chain-facts.ts';
import type { ChainNode } from '../chain/chain-node.ts';
import { pending } from '../chain/chain-outcome.ts';
import type { ChainReads } from '../chain/chain-reads.ts';
import type { Journal } from '../facilitator.ts';
import type { Transfer } from '../transfer-method/transfer.ts';
import type { VerificationContext } from '../transfer-method/verification.ts';
import { deployFirst, neededDeployment } from '../transfer-method/wallet-deployment.ts';
import { FailedGas } from './failed-gas.ts';
import { emptyAccount, type FeeGauge, overloaded } from './fee-gauge.ts';
import { type OwnTransaction, OwnTransactions } from './own-transactions.ts';
import { PayerTurns } from './payer-turns.ts';
import { encodeAttempt } from './settlement-attempt.ts';
import { SettlementBatches } from './settlement-batches.ts';
import type { SendOutcome, SignedTransaction, TransactionWriter, WriteDown } from './transaction-writer.ts';

/** The parts that settling on one chain works with. */
export interface SettlementTools {
  readonly node: ChainNode;
  readonly reads: ChainReads;
  readonly writer: TransactionWriter;
  readonly gauge: FeeGauge;
  readonly factories: ReadonlySet<string>;
  readonly confirmations: number;
  readonly settleTimeoutMs: number;
  /** Gas that failed settlements may take within an hour. */
  readonly failedGas: LocalFacilitatorSpec['failedGas'];
  /** Called with the gas of a failed settlement. */
  readonly onFailedGas?: ((gas: bigint) => void) | undefined;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** A call may need a little more than was measured a block ago: 30 %, below the cap of its kind. */
const GAS_MARGIN_PERCENT = 130n;

/**
 * How much more gas than its kind takes elsewhere a transfer may take that no code of its payer takes part in: some
 * rollups count what they pay for data as gas, a multiple of the rest when data is dear. With code of its own, a payer
 * could have any amount burnt.
 */
const PLAIN_ROOM = 10n;

/**
 * Moves the money of payments on one chain: measure, sign, write down, send, wait, prove. Payments that arrive at the
 * same time share a transaction, see {@link SettlementBatches}; the outcome of each is read from its own events.
 *
 * Until something was sent, a fault of the node is thrown; from then on the outcome is `settled` on proof, `failed` on
 * proof of the contrary, and `unknown` otherwise. A payment that is settled again while its transaction is in doubt
 * gets that same call under the same account nonce, never another one.
 */
export class ChainSettler {
  readonly #tools: SettlementTools;
  readonly #batches: SettlementBatches;
  readonly #failedGas: FailedGas;
  readonly #transactions: OwnTransactions;
  readonly #turns = new PayerTurns();

  constructor(tools: SettlementTools) {
    this.#tools = tools;
    this.#batches = new SettlementBatches(tools);
    this.#failedGas = new FailedGas(tools.failedGas, tools.clock, tools.onFailedGas);
    this.#transactions = new OwnTransactions(tools, (transfer, own) => this.#noteFailed(transfer, own));
  }

  /** Settles one payment. Calls for the same payment must not overlap. */
  async settle(payment: Payment, transfer: Transfer, journal: Journal): Promise<SettlementOutcome> {
    const earlier = this.#transactions.unresolved(payment.authorization.key);
    if (earlier !== undefined) {
      await journal(this.#attempt(payment, earlier));
      await this.#tools.writer.sendAgain(earlier.signed);
      return await this.#followOrRepeat(payment, transfer, earlier, journal);
    }
    // Time has passed since the verification, and a settlement must be safe without a verification too.
    if (transfer.settling.findSignedProblem(this.#tools.clock() / 1000, this.#tools.writer.address) !== undefined)
      return await this.#explain(payment, transfer);
    this.refuseSpent(transfer);
    if (!this.#failedGas.mayShare(transfer.payer)) {
      return await this.#turns.take(transfer.payer, () => this.#settleAlone(payment, transfer, journal, () => {}));
    }
    const outcome = await this.#batches.send(transfer, journal);
    if (outcome.kind !== 'alone') {
      const signed = this.#sent(outcome);
      return await this.#followOrRepeat(payment, transfer, { signed, shared: true }, journal);
    }
    return await this.#settleAlone(payment, transfer, journal, outcome.done);
  }

  /** Forgets a payment whose outcome is certain now: if it were settled again, it would get a new transaction. */
  forget(payment: Payment): void {
    this.#transactions.forget(payment.authorization.key);
  }

  /** @param own its own transaction: where data counts as gas, it may take more than transfers of its kind elsewhere */
  #noteFailed({ payer, settling }: Transfer, own?: SignedTransaction): void {
    const { gas } = settling.call();
    const { gas: limit = 0n } = own !== undefined && settling.mayShare ? parseTransaction(own.raw) : {};
    this.#failedGas.note(payer, limit > gas ? limit : gas);
  }

  /**
   * @throws GatewayError `facilitator_overloaded` for a payer whose failed settlements took more gas than its budget
   */
  refuseSpent({ payer }: Transfer): void {
    if (this.#failedGas.isSpent(payer)) throw overloaded('Too many settlements of this payer failed lately.');
  }

  /** Sends a transaction for this payment only. `done` is called when it was sent, or will not be sent. */
  async #settleAlone(
    payment: Payment,
    transfer: Transfer,
    journal: Journal,
    done: () => void,
  ): Promise<SettlementOutcome> {
    let signed: SignedTransaction;
    try {
      const call = await this.#measure(transfer);
      if (call === undefined) return await this.#explain(payment, transfer);
      const fees = await this.#tools.gauge.fees(call.gas);
      const writeDown: WriteDown = async (written) =>
        await journal(this.#attempt(payment, { signed: written, shared: false }));
      signed = this.#sent(await this.#tools.writer.send(call, fees, writeDown));
    } finally {
      done();
    }
    return (await this.#transactions.follow(payment, transfer, { signed, shared: false })) ?? pending(signed.hash);
  }

  /** A shared transaction that was mined without this payment will never settle it: the payment is then sent alone. */
  async #followOrRepeat(
    payment: Payment,
    transfer: Transfer,
    own: OwnTransaction,
    journal: Journal,
  ): Promise<SettlementOutcome> {
    const outcome = await this.#transactions.follow(payment, transfer, own);
    if (outcome !== undefined) return outcome;
    this.#noteFailed(transfer);
    try {
      return await this.#turns.take(transfer.payer, async () => {
        this.refuseSpent(transfer);
        return await this.#settleAlone(payment, transfer, journal, () => {});
      });
    } catch (fault) {
      return doubtAfter(fault, own);
    }
  }

  /** @throws GatewayError `facilitator_overloaded` when the node did not take it, and never will */
  #sent(outcome: SendOutcome): SignedTransaction {
    if (outcome.kind !== 'refused') return outcome.signed;
    this.#tools.gauge.forget();
    if (outcome.why === 'funds') throw emptyAccount();
    throw overloaded(outcome.why === 'fee' ? 'Gas costs more than was offered.' : 'The chain node refused to settle.');
  }

  #attempt(payment: Payment, own: OwnTransaction): SettlementAttempt {
    return encodeAttempt(payment.offer.network, { account: this.#tools.writer.address, ...own });
  }

  /** The call with its gas limit, or `undefined` when it would fail now or take more than its kind may. */
  async #measure(transfer: Transfer): Promise<Call | undefined> {
    const { node, writer, factories } = this.#tools;
    const deployment = await neededDeployment(transfer, node);
    if (deployment !== undefined && !factories.has(deployment.factory)) return undefined;
    const call = deployFirst(deployment, transfer.settling.call());
    const [estimate, ...contracts] = await Promise.all([
      node.estimate(call, writer.address),
      // A call to an address without code succeeds and moves nothing.
      node.hasCode(transfer.asset),
      node.hasCode(call.to),
    ]);
    if (contracts.includes(false)) return undefined;
    if (estimate.kind === 'estimated') return withMargin(call, estimate.gas);
    if (!transfer.settling.mayShare || (await node.hasCode(transfer.payer))) return undefined;
    const roomy = { ...call, gas: call.gas * PLAIN_ROOM };
    const again = await node.estimate(roomy, writer.address);
    return again.kind === 'estimated' ? withMargin(roomy, again.gas) : undefined;
  }

  /** Why a payment cannot be sent; somebody else may have sent it already. Nothing was sent by us. */
  async #explain(payment: Payment, transfer: Transfer): Promise<SettlementOutcome> {
    const { node, reads, writer, factories, clock } = this.#tools;
    const foreign = await this.#transactions.resolveUsedNonce(transfer);
    if (foreign !== undefined) return foreign;
    const context: VerificationContext = { node, reads, sender: writer.address, factories };
    const problem = await transfer.settling.findProblem(payment.offer, clock() / 1000, context);
    return { kind: 'failed', reason: problem ?? transfer.reasons.simulation };
  }
}

/** The call with what it was measured to take and a margin, within its limit. */
function withMargin(call: Call, measured: bigint): Call {
  const roomy = (measured * GAS_MARGIN_PERCENT) / 100n;
  return { ...call, gas: roomy < call.gas ? roomy : call.gas };
}

/**
 * What a fault means after a transaction for the payment was sent: doubt, never "nothing was sent". The transaction was
 * mined without effect, which a reorganisation can undo. Recovery says `failed` once that is firm, and the payment is
 * free then.
 *
 * @throws a fault that is not a facilitator's, such as one of a ledger that cannot write the next attempt down
 */
function doubtAfter(fault: unknown, { signed }: OwnTransaction): SettlementOutcome {
  if (!(fault instanceof GatewayError) || fault.meaning.source !== 'facilitator') throw fault;
  return pending(signed.hash);
}
