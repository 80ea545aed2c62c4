import { describe, expect, it } from 'vitest';
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
