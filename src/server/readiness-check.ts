import type { ReadinessMode } from '../domain/plan.ts';

/**
 * Whom a check is about. `process`: this process alone, which a load balancer can go past. `shared`: what every replica
 * has in common. `upstream`: the API behind the gateway.
 */
export type CheckScope = 'process' | 'shared' | 'upstream';

/** One line of the readiness detail. */
export interface ReadinessCheck {
  /** Made of the configuration: it is a label of a metric, too. */
  readonly name: string;
  readonly scope: CheckScope;
  readonly ready: boolean;
  readonly detail?: string;
}

/**
 * Whether a check leaves the gateway ready. A fault of what all replicas share would take all of them out of service at
 * once, so it counts only where that was asked for. A fault of the API never does.
 */
export function isReady({ ready, scope }: ReadinessCheck, mode: ReadinessMode): boolean {
  switch (scope) {
    case 'process':
      return ready;
    case 'shared':
      return ready || mode === 'process';
    case 'upstream':
      return true;
  }
}
