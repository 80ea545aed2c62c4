import type { CountedSeries } from '../../admin/funnel.ts';
import type { Plan } from '../../domain/plan.ts';
import type { Registry } from '../../registry.ts';
import type { ReadinessCheck } from '../readiness-check.ts';
import type { Reloads } from '../reload/reload-history.ts';
import type { LedgerAccess } from './ledger-access.ts';

/** The sources of the admin API. */
export interface AdminSources {
  /** The plan in force. */
  readonly plan: () => Plan;
  /** The registry of the gateway. */
  readonly registry: Registry;
  readonly ledger: LedgerAccess;
  readonly checks: () => readonly ReadinessCheck[];
  /** The counters of all processes, added up. */
  readonly counters: () => Promise<readonly CountedSeries[]>;
  /** `undefined` where no file is watched. */
  readonly reloads: Reloads | undefined;
  /** Unix milliseconds. */
  readonly clock: () => number;
}
