import type { Address } from '../../evm/address.ts';
import { MULTICALL3 } from '../../evm/addresses.ts';
import type { ChainNode } from '../chain/chain-node.ts';
import type { Transfer } from '../transfer-method/transfer.ts';
import type { TransactionWriter } from './transaction-writer.ts';
import { decodeBatchResult, transferBatch } from './transfer-batch.ts';

/** A payment by its transfer. */
interface Transferring {
  readonly transfer: Transfer;
}

/** Finds the payments that can share a transaction now. */
export class CombinablePayments {
  readonly #node: ChainNode;
  readonly #writer: Pick<TransactionWriter, 'address'>;
  readonly #deployed = new Set<string>();

  constructor(tools: { readonly node: ChainNode; readonly writer: Pick<TransactionWriter, 'address'> }) {
    this.#node = tools.node;
    this.#writer = tools.writer;
  }

  /**
   * Those of accounts without code whose transfers work after the others'. Fewer than two are none that can share.
   * Rejects with a fault of the node.
   */
  async among<P extends Transferring>(payments: readonly P[]): Promise<readonly P[]> {
    // Tried before it is known that no account has code: the calls of one turn travel in one exchange with the node.
    const trial = this.#try(payments);
    trial.catch(() => {}); // its result may not be needed
    const [there, withCode] = await Promise.all([
      this.#areDeployed([MULTICALL3, ...payments.map(({ transfer }) => transfer.asset)]),
      this.#payersWithCode(payments),
    ]);
    if (!there) return [];
    if (withCode.size === 0) return await trial;
    const plain = payments.filter(({ transfer }) => !withCode.has(transfer.payer));
    return plain.length < 2 ? [] : await this.#try(plain);
  }

  /** The payments whose transfers work now, each after those before it. */
  async #try<P extends Transferring>(payments: readonly P[]): Promise<readonly P[]> {
    const call = transferBatch(payments.map(({ transfer }) => transfer));
    const result = await this.#node.call(call, this.#writer.address);
    const works = result.kind === 'returned' ? decodeBatchResult(result.data) : [];
    return payments.filter((_, index) => works[index] === true);
  }

  /** Asks the node once for each account: one buyer often pays for many calls at the same time. */
  async #payersWithCode(payments: readonly Transferring[]): Promise<ReadonlySet<Address>> {
    const payers = [...new Set(payments.map(({ transfer }) => transfer.payer))];
    const hasCode = await Promise.all(payers.map((payer) => this.#node.hasCode(payer)));
    return new Set(payers.filter((_, index) => hasCode[index] === true));
  }

  /**
   * A call to an address without code succeeds and moves nothing. A contract that was found once is not checked again.
   */
  async #areDeployed(contracts: readonly Address[]): Promise<boolean> {
    const unknown = [...new Set(contracts)].filter((contract) => !this.#deployed.has(contract));
    const found = await Promise.all(unknown.map((contract) => this.#node.hasCode(contract)));
    unknown.forEach((contract, index) => {
      if (found[index] === true) this.#deployed.add(contract);
    });
    return !found.includes(false);
  }
}
