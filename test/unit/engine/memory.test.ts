import { describe, expect, it } from 'vitest';
import { ReleaseTimes } from '../../../src/engine/release-when-quiet.ts';
import { SpentBuffers } from '../../../src/engine/spent-buffers.ts';
import { letYoungGenerationGrow, type YoungHeap } from '../../../src/engine/young-generation.ts';

const MB = 1024 * 1024;

interface ScriptedHeap extends YoungHeap {
  bytes: number | undefined;
  readonly growth: number[];
  readonly collect: () => void;
}

/** A heap that is as large as a test says. */
function heapOf(size: number | undefined): ScriptedHeap {
  const listeners = new Set<() => void>();
  const heap: ScriptedHeap = {
    bytes: size,
    growth: [],
    collect: () => {
      for (const listener of listeners) listener();
    },
    size: () => heap.bytes,
    setGrowth: (factor) => void heap.growth.push(factor),
    afterCollections: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return heap;
}

describe('the young generation', () => {
  it('grows while it is small, stops at 16 MB, and grows again after V8 shrank it', () => {
    const heap = heapOf(1 * MB);
    letYoungGenerationGrow(heap);
    heap.bytes = 16 * MB;
    heap.collect();
    heap.bytes = 2 * MB;
    heap.collect();
    expect(heap.growth).toEqual([2, 1, 2]);
  });

  it('stays as it is where V8 does not say how large it is', () => {
    const heap = heapOf(undefined);
    letYoungGenerationGrow(heap);
    expect(heap.growth).toEqual([1]);
  });

  it('is no longer watched after the end of its gateway', () => {
    const heap = heapOf(1 * MB);
    letYoungGenerationGrow(heap)();
    heap.collect();
    expect(heap.growth).toEqual([2]);
  });
});

describe('memory', () => {
  /** A gateway that has given back what its start took, and has 20 MB left. */
  function started(): ReleaseTimes {
    const times = new ReleaseTimes();
    times.noteRelease(20 * MB, 0);
    return times;
  }

  /** Whether memory is released at one of some looks in a row, half a second apart. */
  function isReleased(times: ReleaseTimes, from: number, busy: readonly number[], heap: number): boolean {
    return busy.some((share, at) => times.isDue(share, heap, from + 500 * at));
  }

  it('that the start took is released once the loop is idle, however little it is', () => {
    const times = new ReleaseTimes();
    expect(isReleased(times, 0, [1, 0, 0, 0.2, 0, 0], 1 * MB)).toBe(false);
    expect(times.isDue(0.05, 1 * MB, 3000)).toBe(true);
  });

  it('is kept in traffic, and where little would come back', () => {
    expect(isReleased(started(), 0, [0.3, 0, 0, 0.06, 0, 0, 1], 500 * MB)).toBe(false);
    expect(isReleased(started(), 0, [0, 0, 0, 0, 0, 0], 27 * MB)).toBe(false);
  });

  it('that traffic took is released in its first pause, and then every five minutes at most', () => {
    const times = started();
    expect(isReleased(times, 2000, [0, 0], 28 * MB)).toBe(false);
    expect(times.isDue(0, 28 * MB, 3000)).toBe(true);
    times.noteRelease(22 * MB, 3000);
    expect(isReleased(times, 4000, [0, 0, 0, 0], 60 * MB)).toBe(false);
    expect(times.isDue(0, 60 * MB, 302_999)).toBe(false);
    expect(times.isDue(0, 60 * MB, 303_000)).toBe(true);
  });
});

describe('the buffers of bodies', () => {
  it('are collected after each 4 MB, and the collector is looked for once', () => {
    const collections: unknown[] = [];
    let searches = 0;
    const spent = new SpentBuffers(() => {
      searches += 1;
      return (collection) => void collections.push(collection);
    });
    spent.note(4 * MB - 1);
    expect(searches).toBe(0);
    spent.note(1);
    spent.note(5 * MB);
    expect(collections).toEqual([{ type: 'minor' }, { type: 'minor' }]);
    expect(searches).toBe(1);
  });

  it('are left to V8 where there is no collector to call', () => {
    const spent = new SpentBuffers(() => undefined);
    expect(() => spent.note(9 * MB)).not.toThrow();
  });
});
