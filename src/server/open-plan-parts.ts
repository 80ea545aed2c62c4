import type { Plan } from '../domain/plan.ts';
import { createTokenKey } from '../pass/token-keys.ts';
import { openProtocols } from '../protocol/open-protocols.ts';
import { builtIn } from '../registry.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import { openAgents } from './agents.ts';
import type { GatewayDeps } from './gateway-deps.ts';
import { openAccessTools } from './pass-access.ts';
import type { PlanParts } from './plan-history.ts';
import { openReceipts } from './receipts.ts';

/** Prepares what a plan needs of the store. */
export async function openPlanParts(plan: Plan, store: PaymentStore, deps: GatewayDeps): Promise<PlanParts> {
  const { registry = builtIn, clock = Date.now } = deps;
  let secret: Promise<string> | undefined;
  const storeSecret = (): Promise<string> => {
    secret ??= store.passes.tokenKey(createTokenKey).then((key) => key.secret);
    return secret;
  };
  const protocols = await openProtocols(plan, registry, { terms: plan.protocolTerms, storeSecret, clock });
  const accessTools = await openAccessTools(plan, store.passes, clock);
  const agents = await openAgents(plan, clock);
  return { protocols, accessTools, agents, receipts: await openReceipts(plan, storeSecret, clock) };
}
