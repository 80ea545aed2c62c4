import type { ReadinessMode } from '../domain/plan.ts';

/**
 * The scope of a check. `process`: this process alone, which a load balancer can avoid. `shared`: what all replicas
 * have in common. `upstream`: the API behind the gateway.
 */
export type CheckScope = 'process' | 'shared' | 'upstream';

/** One line of the readiness detail. */
export interface ReadinessCheck {
  /** Derived from the configuration: it is also a label of a metric. */
  readonly name: string;
  readonly scope: CheckScope;
  readonly ready: boolean;
  readonly detail?: string;
}

/**
 * Whether a check leaves the gateway ready. A fault that all replicas share would take all of them out of service at
 * once, so it counts only where the configuration says so. A fault of the API never counts.
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
