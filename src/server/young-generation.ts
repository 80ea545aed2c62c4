import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/*
 * The part of V8's heap that requests are served in. It begins with 1 MB and doubles when much of it survives
 * collections, up to 64 MB: loading code makes it grow as much as traffic does, and what it took once it keeps under
 * load. The flag is looked at whenever it would grow; its bounds cannot be set any more in a process that runs.
 */

/** How large it gets, in bytes, both halves together. Beyond that it is collected hardly less often for all its memory. */
const ENOUGH_BYTES = 16 * 1024 * 1024;

/** Keeps it as it is: what is loaded for good is no reason to keep room for what comes and goes. */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

let watch: PerformanceObserver | undefined;

/**
 * Lets traffic make it grow, until it is large enough: kept small it is collected a hundred times a second, which takes
 * a third of all time. V8 takes the room back when there is no traffic, so that this is looked at after every collection.
 */
export function letYoungGenerationGrow(): void {
  if (watch !== undefined) return;
  watch = new PerformanceObserver(bound);
  watch.observe({ entryTypes: ['gc'] });
  bound();
}

function bound(): void {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  const isLargeEnough = space === undefined || space.space_size >= ENOUGH_BYTES;
  setFlagsFromString(isLargeEnough ? '--semi-space-growth-factor=1' : '--semi-space-growth-factor=2');
}
