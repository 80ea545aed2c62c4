import { findCollector } from './collector.ts';

/** After how many bytes of bodies the buffers that they came in are collected. */
const SWEEP_BYTES = 4 * 1024 * 1024;

let bytes = 0;
let collector: ReturnType<typeof findCollector> | 'not looked for' = 'not looked for';

/**
 * Notes that a piece of a body has passed.
 *
 * Bodies pass in buffers outside V8's heap, of which V8 sees only small handles: a young generation of its usual size
 * fills up after some gigabytes, and all that time nothing is freed. So every few megabytes the young generation is
 * collected, which takes a millisecond or two, since next to nothing in it is alive. A smaller young generation would
 * be collected as often, but by every request, bodies or not: that cost a free route a third of its throughput.
 *
 * Without effect where the process was started without `--expose-gc` (see `setUpMemory`).
 */
export function notePassed(length: number): void {
  bytes += length;
  if (bytes < SWEEP_BYTES) return;
  bytes = 0;
  if (collector === 'not looked for') collector = findCollector();
  collector?.({ type: 'minor' });
}
