import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import type { Logger } from '../observe/log.ts';
import type { After } from '../pipeline/runtime.ts';
import type { Registry } from '../registry.ts';
import type { Scheme } from '../scheme/scheme.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import type { ReadinessCheck } from './readiness-check.ts';
import type { Reloads } from './reload/reload-history.ts';

/** The parts of a gateway besides its plan. */
export interface GatewayDeps {
  readonly schemes: readonly Scheme[];
  /** Protocols, network families, kinds of stores and facilitators. Default: the built-in ones. */
  readonly registry?: Registry;
  readonly log: Logger;
  /** Unix milliseconds. */
  readonly clock?: () => number;
  /** Default: timers of this process. */
  readonly after?: After;
  /** Default: opens what the plan names. One that is still opening is waited for. The gateway closes it. */
  readonly store?: PaymentStore | Promise<PaymentStore>;
  /** The state of the configuration file for `/readyz`. Default: sound. */
  readonly configuration?: () => ReadinessCheck;
  /**
   * Whether other processes listen on the public address, too; then the primary has removed a stale socket. Default:
   * `false`.
   */
  readonly sharesAddress?: boolean;
  /** The results of reading the configuration file, for the admin page. Default: no file is watched. */
  readonly reloads?: Reloads;
  /** `open` opens the registry's facilitator, the default. */
  readonly openFacilitator?: (spec: FacilitatorSpec, open: () => Facilitator) => Facilitator;
}
