import type { Amount } from '../../domain/amount.ts';
import type { LocalFacilitatorSpec } from '../../domain/facilitator-spec.ts';
import { GatewayError } from '../../domain/gateway-error.ts';
import type { Network } from '../../domain/network.ts';
import { statesMaximum } from '../../domain/offer.ts';
import type { Payment, PaymentKey } from '../../domain/payment.ts';
import { nothingMoved, type SettlementOutcome } from '../../domain/settlement.ts';
import type { SettlerReading } from '../../domain/settler-funds.ts';
import type { SupportedKind } from '../../domain/x402.ts';
import { pending } from '../chain/chain-outcome.ts';
import { ChainReads } from '../chain/chain-reads.ts';
import type { FateTools } from '../chain/chain-view.ts';
import { nodeFault } from '../chain/rpc-fault.ts';
import type { Facilitator, ForeignTransfer, Journal, OpenSettlement, Verification } from '../facilitator.ts';
import { findTermsProblem, loadReadTools, type ReadTools, readTransfer } from '../transfer-method/read-transfer.ts';
import type { Transfer } from '../transfer-method/transfer.ts';
import { ChainSettler } from './chain-settler.ts';
import { FeeGauge } from './fee-gauge.ts';
import { SettlementRecovery } from './settlement-recovery.ts';
import { describeShortfall } from './shortfall.ts';
import { leaseWriter, type WriterLease } from './writer-pool.ts';

/** Messages for operators; a pino logger fits. Never given keys or payloads. */
export interface LocalFacilitatorLog {
  warn(facts: Readonly<Record<string, string>>, message: string): void;
}

/** The parts that a local facilitator takes from outside. */
export interface LocalFacilitatorDeps {
  /** Unix milliseconds; default the system's clock. */
  readonly clock?: () => number;
  readonly logger?: LocalFacilitatorLog;
  readonly onFailedGas?: OnFailedGas | undefined;
}

/** Called with the gas of a settlement which moved no money, rounded up. */
export type OnFailedGas = (facilitator: string, network: Network, gas: bigint) => void;

/**
 * Opens the facilitator inside the gateway: it talks to RPC nodes, and pays the gas of settlements itself. Opening
 * touches no network; {@link Facilitator.supported} does.
 *
 * @throws Error when a network of the configuration is no EVM network, or the key is no key
 * @example
 * const facilitator = openLocalFacilitator(spec, { logger });
 * const verification = await facilitator.verify(payment, AbortSignal.timeout(3_000));
 */
export function openLocalFacilitator(spec: LocalFacilitatorSpec, deps: LocalFacilitatorDeps = {}): Facilitator {
  return new LocalFacilitator(spec, deps);
}

/** One network that is served. */
interface Chain {
  readonly lease: WriterLease;
  readonly reads: ChainReads;
  readonly fateTools: FateTools;
  readonly gauge: FeeGauge;
  readonly settler: ChainSettler;
  readonly recovery: SettlementRecovery;
}

class LocalFacilitator implements Facilitator {
  readonly name: string;
  readonly #chains: ReadonlyMap<Network, Chain>;
  readonly #factories: ReadonlySet<string>;
  readonly #clock: () => number;
  readonly #logger: LocalFacilitatorLog | undefined;
  readonly #onFailedGas: OnFailedGas | undefined;
  readonly #underWay = new Map<PaymentKey, Promise<SettlementOutcome>>();
  #tools: Promise<ReadTools> | undefined;
  #closing: Promise<void> | undefined;

  constructor(spec: LocalFacilitatorSpec, { clock = Date.now, logger, onFailedGas }: LocalFacilitatorDeps) {
    this.name = spec.name;
    this.#onFailedGas = onFailedGas;
    this.#clock = clock;
    this.#logger = logger;
    this.#factories = new Set(spec.eip6492Factories.map((factory) => factory.toLowerCase()));
    this.#chains = new Map([...spec.rpc].map(([network, url]) => [network, this.#openChain(spec, network, url)]));
  }

  async supported(signal: AbortSignal): Promise<readonly SupportedKind[]> {
    const chains = [...this.#chains];
    const { methods } = await this.#readTools();
    const answers = await Promise.allSettled(chains.map(([, { lease }]) => lease.node.checkChain(signal)));
    const faults = answers.flatMap((answer) => (answer.status === 'rejected' ? [nodeFault(answer.reason)] : []));
    // An unreachable node makes its own network unavailable; a node of another chain is a fault of the configuration.
    const worst = faults.find(({ code }) => code === 'facilitator_invalid_answer');
    const fault = worst ?? (faults.length === chains.length ? faults[0] : undefined);
    if (fault !== undefined) throw fault;
    return chains
      .filter((_, index) => answers[index]?.status === 'fulfilled')
      .flatMap(([network, { lease }]) => {
        const kinds = methods.map((method) => method.supports?.(lease.writer.address));
        return kinds.flatMap((kind) => (kind === undefined ? [] : [{ x402Version: 2, network, ...kind }]));
      });
  }

  async verify(payment: Payment, signal: AbortSignal): Promise<Verification> {
    if (signal.aborted) throw nodeFault(signal.reason, signal);
    const chain = this.#chains.get(payment.offer.network);
    if (chain === undefined) return { kind: 'invalid', reason: 'invalid_exact_evm_network_mismatch' };
    const tools = await this.#readTools();
    const problem = findTermsProblem(payment, tools);
    if (problem !== undefined) return { kind: 'invalid', reason: problem };
    const { lease, reads, gauge } = chain;
    await lease.node.ready();
    const transfer = readTransfer(payment, payment.offer.amount, lease.node.chainId, tools);
    if (transfer === undefined) return { kind: 'invalid', reason: 'invalid_payload' };
    chain.settler.refuseSpent(transfer);
    const { node, writer } = lease;
    const context = { node, reads, sender: writer.address, factories: this.#factories, signal };
    const [reason] = await Promise.all([
      transfer.settling.findProblem(payment.offer, this.#clock() / 1000, context),
      // A payment that cannot be settled must not make the upstream work.
      gauge.fees(transfer.settling.call().gas),
    ]);
    if (reason === undefined) return { kind: 'valid', payer: transfer.payer };
    const words = await describeShortfall(reason, transfer, payment.offer, reads, signal);
    return { kind: 'invalid', reason, ...(words === undefined ? {} : { words }) };
  }

  async settle(payment: Payment, amount: Amount, journal: Journal): Promise<SettlementOutcome> {
    if (this.#closing !== undefined) throw new GatewayError('shutting_down');
    // An authorization of an exact amount moves that amount; one of a maximum moves at most that.
    const fits = statesMaximum(payment.offer) ? amount <= payment.offer.amount : amount === payment.offer.amount;
    if (!fits) return { kind: 'failed', reason: 'settlement_amount_mismatch' };
    const { key, payer } = payment.authorization;
    if (amount === 0n) return nothingMoved(payer);
    const underWay = this.#underWay.get(key);
    // The same authorization sent twice would cost gas for a transaction that must revert.
    if (underWay !== undefined) return await underWay;
    const settling = this.#settle(payment, amount, journal).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, settling);
    return await settling;
  }

  async resolve(open: OpenSettlement, signal: AbortSignal): Promise<SettlementOutcome> {
    if (this.#closing !== undefined) throw new GatewayError('shutting_down');
    if (signal.aborted) throw nodeFault(signal.reason, signal);
    const { payment, amount } = open;
    // The running settlement will give the outcome; a look in between would only interfere.
    if (this.#underWay.has(payment.authorization.key)) return pending();
    const chain = this.#chains.get(payment.offer.network);
    // The outcome stays unknown until the operator configures the network again.
    if (chain === undefined) return { kind: 'unknown', reason: 'network_not_configured' };
    const [tools] = await Promise.all([this.#readTools(), chain.lease.node.ready()]);
    const transfer = readTransfer(payment, amount, chain.lease.node.chainId, tools);
    if (transfer === undefined) return { kind: 'unknown', reason: 'evidence_unreadable' };
    try {
      const outcome = await chain.recovery.resolve(open, transfer, signal);
      if (outcome.kind !== 'unknown') chain.settler.forget(payment);
      return outcome;
    } catch (thrown) {
      throw nodeFault(thrown, signal);
    }
  }

  async findForeign(payment: Payment, signal: AbortSignal): Promise<ForeignTransfer> {
    // The running settlement gives its outcome to the request that holds the payment.
    if (this.#underWay.has(payment.authorization.key)) return { kind: 'unclear' };
    const { network, amount, maxTimeoutSeconds } = payment.offer;
    const chain = this.#chains.get(network);
    if (chain === undefined) return { kind: 'none' };
    try {
      const [tools] = await Promise.all([this.#readTools(), chain.lease.node.ready()]);
      const transfer = readTransfer(payment, amount, chain.lease.node.chainId, tools);
      if (transfer === undefined) return { kind: 'none' };
      if (!transfer.use.namesNonce) return await this.#nonceUse(transfer, chain, signal);
      return await transfer.use.findForeign(maxTimeoutSeconds, chain.fateTools, signal);
    } catch (thrown) {
      throw nodeFault(thrown, signal);
    }
  }

  async funds(): Promise<readonly SettlerReading[]> {
    return await Promise.all(
      [...this.#chains].map(async ([network, { lease, gauge }]) => {
        try {
          await lease.node.ready();
          return { network, funds: await gauge.funds() };
        } catch {
          // Callers that need the node report its fault.
          return { network, funds: undefined };
        }
      }),
    );
  }

  async close(): Promise<void> {
    this.#closing ??= this.#finish();
    await this.#closing;
  }

  async #settle(payment: Payment, amount: Amount, journal: Journal): Promise<SettlementOutcome> {
    const { network } = payment.offer;
    const chain = this.#chains.get(network);
    if (chain === undefined) return { kind: 'failed', reason: 'invalid_exact_evm_network_mismatch' };
    const [tools] = await Promise.all([this.#readTools(), chain.lease.node.ready()]);
    const transfer = readTransfer(payment, amount, chain.lease.node.chainId, tools);
    if (transfer === undefined) return { kind: 'failed', reason: 'invalid_payload' };
    let unwritten: unknown;
    const writeDown: Journal = async (attempt) => {
      await journal(attempt).catch((fault: unknown) => {
        unwritten = fault;
        throw fault;
      });
    };
    try {
      const outcome = await chain.settler.settle(payment, transfer, writeDown);
      if (outcome.kind !== 'settled') this.#warn(network, outcome.reason, outcome.transaction);
      return outcome;
    } catch (thrown) {
      // Not a fault of the chain: the caller gets the journal's own fault.
      if (thrown === unwritten) throw thrown;
      const fault = nodeFault(thrown);
      this.#warn(network, fault.detail ?? fault.code, undefined);
      throw fault;
    }
  }

  /** Our own verification has just found out why a permit cannot be used: only its use meanwhile would be news. */
  async #nonceUse(transfer: Transfer, { reads }: Chain, signal: AbortSignal): Promise<ForeignTransfer> {
    return { kind: (await transfer.use.nonceIsGone(reads, signal)) === true ? 'used' : 'none' };
  }

  #warn(network: Network, reason: string, transaction: string | undefined): void {
    const facts = { facilitator: this.name, network, reason, ...(transaction === undefined ? {} : { transaction }) };
    this.#logger?.warn(facts, 'a payment was not settled');
  }

  #openChain(spec: LocalFacilitatorSpec, network: Network, url: string): Chain {
    const lease = leaseWriter(network, url, spec.key, spec.proxies?.get(url));
    const { node, writer } = lease;
    const reads = new ChainReads(node, writer.address);
    const gauge = new FeeGauge(node, writer.address, spec.maxFeePerGas, this.#clock);
    const { confirmations, settleTimeoutMs, failedGas } = spec;
    const factories = this.#factories;
    const clock = this.#clock;
    const onFailedGas = (gas: bigint): void => this.#onFailedGas?.(this.name, network, gas);
    const own = { factories, confirmations, settleTimeoutMs, failedGas, clock, onFailedGas };
    const settler = new ChainSettler({ node, reads, writer, gauge, ...own });
    const recovery = new SettlementRecovery({ node, reads, writer, gauge, confirmations, clock });
    return { lease, reads, fateTools: { node, reads, confirmations, clock }, gauge, settler, recovery };
  }

  async #readTools(): Promise<ReadTools> {
    this.#tools ??= loadReadTools();
    return await this.#tools;
  }

  async #finish(): Promise<void> {
    await Promise.allSettled(this.#underWay.values());
    for (const { lease } of this.#chains.values()) lease.release();
  }
}
