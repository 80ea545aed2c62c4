import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { findCollector } from './collector.ts';
import { keepTickObject } from './tick-object.ts';
import { keepYoungGenerationSmall } from './young-generation.ts';

/**
 * Sets up V8's memory for a gateway, before anything else is loaded. Benchmarks call this, too: otherwise they would
 * measure another program.
 */
export function setUpMemory(): void {
  keepYoungGenerationSmall();
  keepTickObject();
  // V8's middle compiler holds memory for each function that waits for it, and there are hundreds after a start: 30 of
  // the 48 MB that 10 000 paid calls took, which the C library does not give back. The last compiler does as well alone:
  // measured, paid calls gained 4 % and were at their full rate sooner, other kinds were the same.
  setFlagsFromString('--no-maglev');
  // For `releaseMemory` and `spent-buffers.ts`. Code that runs already sees nothing of it.
  setFlagsFromString('--expose-gc');
}

/**
 * Collects all garbage, compacts the heap and returns its pages. Stops the process meanwhile: for after work that used
 * far more memory than is needed later, which V8 would otherwise keep. Without effect where {@link setUpMemory} was not
 * called.
 */
export function releaseMemory(): void {
  findCollector()?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/**
 * Keeps V8's compiled code for the next start, in `$XDG_CACHE_HOME/turnpike` or `~/.cache/turnpike`, and uses what an
 * earlier start kept. To be called after {@link setUpMemory}: V8 takes code only under the flags it was made with.
 *
 * Never in the shared folder for temporary files, where Node would put it: another user could place code there before,
 * which a process with keys would run. Without effect where nothing can be written, or the system does not know the
 * user, as in a container with a made-up uid.
 *
 * @param env `NODE_COMPILE_CACHE` names another folder, `NODE_DISABLE_COMPILE_CACHE=1` does without; both are Node's own
 * @param homeOf the user's home folder; throws where there is none
 */
export function keepCompiledCode(env: Readonly<Record<string, string | undefined>>, homeOf: () => string): void {
  const { XDG_CACHE_HOME: caches = '' } = env;
  const folder = caches === '' ? cachesBelow(homeOf) : caches;
  if (folder !== undefined) enableCompileCache(join(folder, 'turnpike'));
}

function cachesBelow(homeOf: () => string): string | undefined {
  try {
    return join(homeOf(), '.cache');
  } catch {
    return undefined;
  }
}
