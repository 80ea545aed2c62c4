import { privateKeyToAccount } from 'viem/accounts';
import type { Network } from '../../domain/network.ts';
import { ChainNode } from '../chain/chain-node.ts';
import { TransactionWriter } from './transaction-writer.ts';

/** A node and the one writer that sends to it with a key. */
export interface WriterLease {
  readonly node: ChainNode;
  readonly writer: TransactionWriter;
  /** Gives it back; the last one to do so ends its memory of account nonces. Call once. */
  release(): void;
}

interface SharedWriter {
  readonly node: ChainNode;
  readonly writer: TransactionWriter;
  users: number;
}

/**
 * The writers of this process. Two writers for one key would take the same account nonces, and a reload of the
 * configuration has the old facilitator finish beside the new one: so they share, whoever opened them.
 */
const sharedWriters = new Map<string, SharedWriter>();

/** Takes the writer of a key on a network through a node, or makes it. Touches no network. */
export function leaseWriter(network: Network, url: string, key: `0x${string}`, proxy?: string): WriterLease {
  const account = privateKeyToAccount(key);
  const id = `${network} ${account.address} ${url}`;
  const shared = sharedWriters.get(id) ?? makeWriter(new ChainNode(network, url, proxy), key);
  sharedWriters.set(id, shared);
  shared.users += 1;
  return {
    node: shared.node,
    writer: shared.writer,
    release: () => {
      shared.users -= 1;
      if (shared.users === 0 && sharedWriters.get(id) === shared) sharedWriters.delete(id);
    },
  };
}

function makeWriter(node: ChainNode, key: `0x${string}`): SharedWriter {
  return { node, writer: new TransactionWriter(node, privateKeyToAccount(key)), users: 0 };
}
