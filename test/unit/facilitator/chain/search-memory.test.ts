import { describe, expect, it } from 'vitest';
import { RANGE_BLOCKS } from '../../../../src/facilitator/chain/block-search.ts';
import { SearchMemory } from '../../../../src/facilitator/chain/search-memory.ts';

const HEAD = { number: 100_000n, timestamp: 0 };

/** Asks a node that takes so many blocks at once until it has taken a range; returns how often it refused. */
function askOnce(memory: SearchMemory, most: bigint): number {
  for (let refusals = 0; ; refusals += 1) {
    const range = memory.rangeFrom(0n, HEAD);
    if (range.to - range.from + 1n <= most) {
      memory.took(range);
      return refusals;
    }
    if (!memory.refused(range)) throw new Error('one block was refused');
  }
}

describe('the blocks that a node is asked for at once', () => {
  it.each([500n, 100n, 10n, 5n, 1n])('are no more than the %i that it takes, after few refusals', (most) => {
    const memory = new SearchMemory();
    expect(askOnce(memory, most)).toBeLessThanOrEqual(10);
    expect(memory.span).toBeLessThanOrEqual(most);
    expect(memory.span * 2n).toBeGreaterThan(most / 2n);
    expect(askOnce(memory, most)).toBe(0);
  });

  it('become more again when the node has taken many ranges', () => {
    const memory = new SearchMemory();
    askOnce(memory, 10n);
    for (let asked = 0; asked < 64 * 10; asked += 1) askOnce(memory, RANGE_BLOCKS);
    expect(memory.span).toBe(RANGE_BLOCKS);
  });

  it('are not fewer because one block was refused: that is no matter of the range', () => {
    const memory = new SearchMemory();
    while (memory.refused(memory.rangeFrom(0n, HEAD)));
    expect(memory.span).toBe(RANGE_BLOCKS);
  });
});

describe('a search that did not end', () => {
  it('goes on where it stopped, and begins anew once it has ended', () => {
    const memory = new SearchMemory();
    memory.stopAt('a', { from: 500n, unclear: true }, HEAD);
    expect(memory.stopOf('a')).toEqual({ from: 500n, unclear: true });
    memory.ended('a');
    expect(memory.stopOf('a')).toBeUndefined();
  });

  it('searches the blocks again that a reorganisation may replace', () => {
    const memory = new SearchMemory();
    memory.stopAt('a', { from: HEAD.number, unclear: false }, HEAD);
    expect(memory.stopOf('a')).toEqual({ from: HEAD.number - 64n, unclear: false });
    memory.stopAt('b', { from: 10n, unclear: false }, { number: 20n, timestamp: 0 });
    expect(memory.stopOf('b')).toBeUndefined();
  });

  it('is forgotten when there are too many, the oldest first', () => {
    const memory = new SearchMemory();
    for (let search = 0; search < 1_500; search += 1) memory.stopAt(`${search}`, { from: 1n, unclear: false }, HEAD);
    expect([memory.stopOf('499'), memory.stopOf('500')?.from]).toEqual([undefined, 1n]);
  });
});
