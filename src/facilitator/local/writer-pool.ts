import { privateKeyToAccount } from 'viem/accounts';
import { Leases } from '../../domain/leases.ts';
import type { Network } from '../../domain/network.ts';
import { ChainNode } from '../chain/chain-node.ts';
import { TransactionWriter } from './transaction-writer.ts';

/** A node and the one writer that sends to it with a key. */
export interface WriterLease {
  readonly node: ChainNode;
  readonly writer: TransactionWriter;
  /** Releases the lease; the last release ends the writer's memory of account nonces. Call once. */
  release(): void;
}

interface WriterSettings {
  readonly network: Network;
  readonly url: string;
  readonly key: `0x${string}`;
  readonly proxy: string | undefined;
}

/**
 * The writers of this process. Two writers for one key would take the same account nonces. During a reload of the
 * configuration the old facilitator finishes beside the new one, so all facilitators share the writers.
 */
const writers = Leases.closing(
  ({ network, url, key, proxy }: WriterSettings) => {
    const node = new ChainNode(network, url, proxy);
    return { node, writer: new TransactionWriter(node, privateKeyToAccount(key)) };
  },
  () => {},
  ({ network, url, key }) => `${network} ${privateKeyToAccount(key).address} ${url}`,
);

/** Takes the writer of a key on a network through a node, or makes it. Touches no network. */
export function leaseWriter(network: Network, url: string, key: `0x${string}`, proxy?: string): WriterLease {
  const settings = { network, url, key, proxy };
  return { ...writers.lease(settings), release: () => void writers.release(settings) };
}
