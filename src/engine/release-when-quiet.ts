import { performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { releaseMemory } from './engine.ts';

/** How often it is looked whether there is traffic, in milliseconds, and how many looks in a row find none. */
const LOOK_MS = 500;
const QUIET_LOOKS = 3;
/** The share of its time that an event loop without traffic is busy for at most. */
const QUIET_SHARE = 0.05;
/** What a release must be expected to give back, in bytes: it stops the process for some 50 ms. */
const WORTH_BYTES = 8 * 1024 * 1024;
/** The time between two releases, in milliseconds: traffic that comes and goes is not stopped for each pause of it. */
const APART_MS = 5 * 60_000;

/** Decides when memory is released: in a pause of the traffic, and where the heap has grown since the last time. */
export class ReleaseTimes {
  #quietLooks = 0;
  #heapAfter: number | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;

  /**
   * @param busy the share of its time that the event loop was busy since the last look, from 0 to 1
   * @param heapBytes the pages that V8 holds for its heap
   * @param now milliseconds that never go back
   */
  isDue(busy: number, heapBytes: number, now: number): boolean {
    this.#quietLooks = busy <= QUIET_SHARE ? this.#quietLooks + 1 : 0;
    return this.#quietLooks >= QUIET_LOOKS && now >= this.#notBefore && heapBytes >= this.#worthwhile();
  }

  /** The first release is that of what a start took, and does not keep the one after the first traffic waiting. */
  noteRelease(heapBytes: number, now: number): void {
    if (this.#heapAfter !== undefined) this.#notBefore = now + APART_MS;
    this.#heapAfter = heapBytes;
  }

  #worthwhile(): number {
    return this.#heapAfter === undefined ? 0 : this.#heapAfter + WORTH_BYTES;
  }
}

/**
 * Gives back what the start took, and later what traffic took, when there is none: V8 keeps it by itself, for months if
 * need be. Code stays compiled, so that the next request is as fast as the last one.
 *
 * @returns ends the watch
 */
export function releaseWhenQuiet(): () => void {
  const times = new ReleaseTimes();
  let before = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (!times.isDue(utilization, heapBytes(), performance.now())) return;
    releaseKeepingCode();
    times.noteRelease(heapBytes(), performance.now());
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function releaseKeepingCode(): void {
  setFlagsFromString('--no-flush-bytecode');
  releaseMemory();
  // As it was: kept code is taken under the flags only that it was made with.
  setFlagsFromString('--flush-bytecode');
}

function heapBytes(): number {
  return getHeapStatistics().total_heap_size;
}
