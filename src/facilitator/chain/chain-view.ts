import type { ChainNode } from './chain-node.ts';
import type { ChainReads } from './chain-reads.ts';

/** How a chain is read. */
export interface ChainView {
  readonly node: ChainNode;
  readonly reads: ChainReads;
}

/** The parts that a search for a nonce's fate needs. */
export interface FateTools extends ChainView {
  /** Blocks, its own included, until a transaction counts; at least 1. */
  readonly confirmations: number;
  /** Unix milliseconds. */
  readonly clock: () => number;
}
