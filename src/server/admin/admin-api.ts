import { AssetNames } from '../../admin/asset-names.ts';
import { readAssetTable } from '../../config/asset-table.ts';
import type { Plan } from '../../domain/plan.ts';
import { Actions } from './actions.ts';
import type { ApiCall } from './api-call.ts';
import { GatewayViews } from './gateway-views.ts';
import { MoneyViews } from './money-views.ts';
import type { AdminSources } from './sources.ts';

/** One path of the API. */
export interface ApiPath {
  readonly method: 'GET' | 'POST';
  /** Whether it changes something. */
  readonly changes: boolean;
  /** Returns the answer, sent as JSON. */
  readonly answer: (call: ApiCall) => unknown;
}

/** The open API. */
export interface AdminApi {
  readonly paths: ReadonlyMap<string, ApiPath>;
  /** Reads ahead what takes long in a large ledger. */
  readonly warm: () => Promise<void>;
}

/** The paths of the API, whole and literal: nothing is decoded, so that no two readers can differ. */
export function openAdminApi(sources: AdminSources): AdminApi {
  const money = new MoneyViews(sources);
  const gateway = new GatewayViews(sources);
  const actions = new Actions(sources);
  const names = assetNamesOf(sources);
  const look = (answer: ApiPath['answer']): ApiPath => ({ method: 'GET', changes: false, answer });
  const act = (answer: ApiPath['answer']): ApiPath => ({ method: 'POST', changes: true, answer });
  const paths = new Map([
    ['/api/status', look(() => gateway.status())],
    ['/api/revenue', look((call) => money.revenue(call, names()))],
    ['/api/summary', look((call) => money.summary(call, names()))],
    ['/api/funnel', look(() => gateway.funnel())],
    ['/api/payments', look((call) => money.payments(call, names()))],
    ['/api/payment', look((call) => money.payment(call, names()))],
    ['/api/doubt', look((call) => money.doubt(call, names()))],
    ['/api/passes', look((call) => money.passes(call))],
    ['/api/routes', look(() => gateway.routes())],
    ['/api/configuration', look(() => gateway.configuration())],
    ['/api/facilitators', look(() => gateway.facilitators())],
    ['/api/explain', { method: 'POST', changes: false, answer: (call) => gateway.explain(call) }],
    ['/api/passes/revoke', act((call) => actions.revokePass(call))],
    ['/api/payments/resolve', act((call) => actions.resolvePayment(call))],
    ['/api/reload', act(() => actions.reload())],
  ]);
  return { paths, warm: () => money.warm() };
}

/** Assets by their contracts, read again for each plan. */
function assetNamesOf({ plan, registry }: AdminSources): () => AssetNames {
  const table = readAssetTable();
  let made: { readonly plan: Plan; readonly names: AssetNames } | undefined;
  return () => {
    const current = plan();
    if (made?.plan !== current) made = { plan: current, names: new AssetNames(current, table, registry.families) };
    return made.names;
  };
}
