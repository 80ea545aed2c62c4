import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import type { Plan } from '../domain/plan.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import type { OnFailedGas } from '../facilitator/local/local-facilitator.ts';
import type { StrangeReason } from '../facilitator/remote/remote-facilitator.ts';
import { describeCause } from '../observe/cause.ts';
import type { Logger } from '../observe/log.ts';
import type { Observer } from '../observe/observer.ts';
import type { FacilitatorReports } from '../registry.ts';
import type { Scheme } from '../scheme/scheme.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import { FacilitatorLeases } from './facilitator-leases.ts';
import { observeFacilitator } from './observed-facilitator.ts';
import type { PassKeeper } from './pass-keeper.ts';
import { PlanHistory, type PlanParts } from './plan-history.ts';
import { RecentOffers } from './recent-offers.ts';

/** The plans of a gateway, and what they share. */
export interface Plans {
  readonly plans: PlanHistory;
  readonly recent: RecentOffers;
  readonly facilitators: FacilitatorLeases;
}

/** The parts that plans are opened with. */
export interface PlansDeps {
  readonly store: PaymentStore;
  readonly schemes: readonly Scheme[];
  readonly log: Logger;
  readonly observer: Observer;
  readonly openFacilitator: (spec: FacilitatorSpec, reports: FacilitatorReports) => Facilitator;
  readonly keeper: PassKeeper;
  /** What the first plan needs of the store. */
  readonly parts: PlanParts;
  /**
   * The same for the plans after it.
   *
   * @throws GatewayError `store_unavailable`
   */
  readonly openParts: (plan: Plan) => Promise<PlanParts>;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** Opens the first plan of a gateway, and prepares for later ones. */
export function openPlans(plan: Plan, deps: PlansDeps): Plans {
  const { store, log, observer, openFacilitator, keeper, clock } = deps;
  const recent = new RecentOffers(store, [], clock);
  const trouble = (what: string, fault: unknown): void =>
    log.warn({ what, cause: describeCause(fault) }, 'a change of configuration left something behind');
  const onStrangeReason: StrangeReason = (facilitator, operation, text) =>
    log.warn({ facilitator, operation, said: text }, 'facilitator refused in words of its own');
  const onFailedGas: OnFailedGas = (...burnt) => observer.gasFailed(...burnt);
  const facilitators = new FacilitatorLeases({
    open: (spec) => observeFacilitator(openFacilitator(spec, { onStrangeReason, onFailedGas }), observer),
    books: store,
    trouble: ({ name }, fault) => trouble(`closing the facilitator ${name}`, fault),
    clock,
  });
  const plans = new PlanHistory(plan, deps.parts, {
    schemes: deps.schemes,
    clock,
    facilitators,
    recent,
    trouble,
    openParts: async (next) => {
      await keeper.prepareFor(next);
      return await deps.openParts(next);
    },
    onFacilitatorFault: (facilitator, operation, fault) =>
      log.warn({ facilitator: facilitator.name, operation, cause: describeCause(fault) }, 'facilitator fault'),
  });
  return { plans, recent, facilitators };
}
