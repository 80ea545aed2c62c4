import type { Plan } from '../domain/plan.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import { McpState } from '../mcp/mcp-state.ts';
import { describeCause } from '../observe/cause.ts';
import { fanOut } from '../observe/fan-out.ts';
import { createRequestLog } from '../observe/log.ts';
import { createMetrics, type Metrics } from '../observe/metrics.ts';
import { Outages, watchOutages } from '../observe/outages.ts';
import { UseCounter } from '../pass/use-counter.ts';
import { CreditGates } from '../pipeline/credit-gates.ts';
import { createLimiters } from '../pipeline/limits/limiters.ts';
import type { Services } from '../pipeline/runtime.ts';
import { Reconciler } from '../recovery/reconciler.ts';
import { builtIn, type FacilitatorOpener } from '../registry.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import type { Messenger } from '../webhook/messenger.ts';
import type { GatewayDeps } from './gateway-deps.ts';
import { openMessenger } from './open-messenger.ts';
import { openPlans, type Plans } from './open-plans.ts';
import { OpenSettlementCounter } from './open-settlement-counter.ts';
import { PassKeeper } from './pass-keeper.ts';
import type { PlanParts } from './plan-history.ts';
import { recoveryNotes } from './recovery-notes.ts';
import { createRequestIds } from './request-id.ts';

/** The parts of a gateway, opened in order and closed together. */
export interface Parts extends Plans {
  readonly store: PaymentStore;
  readonly reconciler: Reconciler;
  readonly messenger: Messenger;
  readonly keeper: PassKeeper;
  readonly opener: FacilitatorOpener;
  readonly metrics: Metrics;
  readonly services: Services;
}

/** What is opened before all other parts. */
export interface BaseParts extends Pick<Services, 'owner' | 'tracer'> {
  readonly store: PaymentStore;
  readonly openParts: (plan: Plan) => Promise<PlanParts>;
  /** Of the first plan. */
  readonly planParts: PlanParts;
  readonly opener: FacilitatorOpener;
}

/** Connects the parts of a gateway. Nothing runs yet. */
export function assemble(plan: Plan, base: BaseParts, deps: GatewayDeps): Parts {
  const { owner, tracer, store, opener, openParts, planParts } = base;
  const { log, schemes, registry: { families, answerReaders } = builtIn, clock = Date.now, after = afterTimer } = deps;
  const metrics = createMetrics();
  const outages = new Outages(log, clock);
  const observer = fanOut([
    metrics,
    createRequestLog(log, () => plans.current.plan.log),
    watchOutages(outages),
    { paymentMoved: (move) => messenger.heed(move) },
  ]);
  const trouble = (fault: unknown): void => log.warn({ cause: describeCause(fault) }, 'revocations have to wait');
  const keeper = new PassKeeper({ store: store.passes, owner, trouble, clock });
  const opened = openPlans(plan, {
    store,
    schemes,
    log,
    observer,
    openFacilitator: (spec, reports) => {
      const open = (): Facilitator => opener.open(spec, { families, ...reports });
      return deps.openFacilitator === undefined ? open() : deps.openFacilitator(spec, open);
    },
    keeper,
    parts: planParts,
    openParts,
    clock,
  });
  const { plans, recent, facilitators } = opened;
  const open = new OpenSettlementCounter({ store, metrics, clock, monotonic: () => performance.now() });
  const reconciler = new Reconciler({
    store,
    owner,
    facilitator: (name, network) => facilitators.find(name, network),
    next: (...of) => plans.current.facilitators.next(...of),
    retentionMs: () => plans.current.plan.retentionMs,
    retryWindowMs: () => plans.current.plan.retryWindowMs,
    webhooks: () => plans.current.plan.webhooks,
    everyRound: async () => {
      await open.count(reconciler.ledgerAnswers);
      await recent.remember();
      await facilitators.sweep();
      await keeper.balances.sweep();
    },
    notes: recoveryNotes(log, observer, outages),
    clock,
  });
  const messenger = openMessenger({ store, plan: () => plans.current.plan, log, metrics, outages, clock });
  const services: Services = {
    owner,
    ledger: store,
    observer,
    tracer,
    schemes,
    families,
    answerReaders,
    mcp: new McpState(),
    creditGate: new CreditGates(),
    limiters: createLimiters(clock),
    passes: keeper,
    uses: new UseCounter(store.uses, clock),
    abandoned: (payment) => reconciler.adopt(payment),
    debts: reconciler.debts,
    clock,
    after,
    newRequestId: createRequestIds(),
    runtime: () => plans.current,
  };
  return { ...opened, store, reconciler, messenger, metrics, services, keeper, opener };
}

function afterTimer(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** Stops and closes the parts, each before those that it depends on. */
export async function letGo({ plans, facilitators, reconciler, messenger, keeper, store }: Parts): Promise<void> {
  await reconciler.stop();
  await messenger.stop();
  await plans.close();
  await keeper.close();
  await facilitators.close();
  await store.close();
}
