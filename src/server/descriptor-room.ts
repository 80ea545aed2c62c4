import { readFileSync } from 'node:fs';
import type { Plan } from '../domain/plan.ts';
import { upstreamsOf } from '../domain/plan-parts.ts';

/** File descriptors that are kept for the ledger, facilitators, nodes, probes and files. */
const KEPT = 192;
/** Where Linux tells a process its limits. */
const LIMITS_FILE = '/proc/self/limits';
const OPEN_FILES = /^Max open files\s+(\d+)/m;

/** How many files this process may have open; without a bound where the system does not say. */
export function mostOpenFiles(readLimits = () => readFileSync(LIMITS_FILE, 'latin1')): number {
  try {
    return Number(OPEN_FILES.exec(readLimits())?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * Most client connections to one process: what the plan says, or less where the process may not open so many files. A
 * process without descriptors answers no probe, reaches no API for calls that were paid, and opens no ledger.
 */
export function connectionBound(
  { limits, ...plan }: Pick<Plan, 'limits' | 'routes' | 'unmatched'>,
  mostFiles: number,
): number {
  const left = mostFiles - Math.min(KEPT, mostFiles / 2);
  let toUpstreams = 0;
  for (const { servers, connections } of upstreamsOf(plan)) toUpstreams += servers.length * connections;
  return Math.min(limits.connections, Math.floor(left - Math.min(toUpstreams, left / 2)));
}

/** A line on a bound that is lower than the plan's; `undefined` where there is none. */
export function describeConnectionBound(plan: Pick<Plan, 'limits' | 'routes' | 'unmatched'>): string | undefined {
  const mostFiles = mostOpenFiles();
  const bound = connectionBound(plan, mostFiles);
  if (bound === plan.limits.connections) return undefined;
  return `a process may open ${mostFiles} files here: it takes ${bound} client connections, not ${plan.limits.connections}; raise the limit (ulimit -n)`;
}
