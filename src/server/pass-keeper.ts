import type { Plan } from '../domain/plan.ts';
import { sellsPasses } from '../domain/route-price.ts';
import { BalanceHolds } from '../pass/balance-holds.ts';
import { openQuota } from '../pass/process-quota.ts';
import type { Quota } from '../pass/quota.ts';
import { RevocationWatch } from '../pass/revocations.ts';
import type { PassServices } from '../pipeline/runtime.ts';
import type { PassStore } from '../store/passes.ts';

/** The parts of the keeper. */
export interface PassKeeperDeps {
  readonly store: PassStore;
  /** This process's name in the ledger. */
  readonly owner: string;
  /** Called when the store could not be asked for revocations; it is asked again. */
  readonly trouble: (fault: unknown) => void;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * What a process knows of passes, over all its plans: the requests that are lent to it, and which passes were revoked.
 */
export class PassKeeper implements PassServices {
  readonly quota: Quota;
  readonly balances: BalanceHolds;
  readonly revoked: RevocationWatch;
  #started = false;

  constructor({ store, owner, trouble, clock }: PassKeeperDeps) {
    this.balances = new BalanceHolds({ store, owner, clock });
    this.quota = openQuota(store, { time: { now: clock } });
    this.revoked = new RevocationWatch({ store, revoked: (id) => this.quota.revoke(id), trouble, clock });
  }

  /**
   * Loads the revocations before the first request of a plan that sells passes; does nothing for other plans.
   *
   * @throws GatewayError `store_unavailable`
   */
  async prepareFor({ routes }: Plan): Promise<void> {
    if (this.#started || !routes.some(sellsPasses)) return;
    await this.revoked.start();
    this.#started = true;
  }

  /** Returns lent requests. To be called when requests have ended, before the store closes. */
  async close(): Promise<void> {
    await this.revoked.stop();
    await this.quota.close();
  }
}
