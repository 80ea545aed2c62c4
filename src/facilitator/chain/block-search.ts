import type { Block } from './chain-facts.ts';
import type { ChainNode } from './chain-node.ts';

/** Most blocks that are asked for events at once: what public nodes allow. */
export const RANGE_BLOCKS = 1_000n;

/**
 * Finds a block from before a time that is not much older than necessary: it is one of the `span` newest blocks that are
 * old enough. Block 0 where the chain is younger.
 *
 * @param seconds Unix seconds, by the chain's clock
 * @param span how many blocks the node takes at once
 */
export async function blockBefore(
  node: ChainNode,
  head: Block,
  seconds: number,
  span: bigint,
  signal?: AbortSignal,
): Promise<bigint> {
  let tooNew = head.number;
  for (let step = 16n; ; step *= 4n) {
    const number = head.number > step ? head.number - step : 0n;
    if (number === 0n || (await isBefore(number))) return await narrow(number, tooNew);
    tooNew = number;
  }

  async function isBefore(number: bigint): Promise<boolean> {
    return (await node.block(number, signal)).timestamp < seconds;
  }

  async function narrow(old: bigint, young: bigint): Promise<bigint> {
    if (young - old <= span) return old;
    const middle = (old + young) / 2n;
    return (await isBefore(middle)) ? await narrow(middle, young) : await narrow(old, middle);
  }
}
