import type { SettleMode } from '../../src/domain/route-price.ts';

/** One priced route of the crash test. */
export interface PricedRoute {
  readonly settle: SettleMode;
  readonly method: 'GET' | 'POST';
  /** Whether answers are kept for buyers whose connection dropped. */
  readonly keeps: boolean;
  /** First segment of its paths. */
  readonly prefix: string;
  /** Atomic units of test USDC; another one for each route, so that a mix-up shows in the sums. */
  readonly amount: bigint;
}

const MODES: readonly SettleMode[] = ['after', 'before', 'deferred'];

/** Every settle mode with a safe call, an unsafe one, and an unsafe one whose answers are kept. */
export const ROUTES: readonly PricedRoute[] = MODES.flatMap((settle, index) => [
  { settle, method: 'GET', keeps: false, prefix: `${settle}-get`, amount: 1001n + BigInt(index) * 3000n },
  { settle, method: 'POST', keeps: false, prefix: `${settle}-post`, amount: 2003n + BigInt(index) * 3000n },
  { settle, method: 'POST', keeps: true, prefix: `${settle}-kept`, amount: 3007n + BigInt(index) * 3000n },
]);

/** What a configuration for the crash test names. */
export interface Places {
  /** `127.0.0.1:PORT`; the same over restarts, because a payment is bound to the host that it was made for. */
  readonly listen: string;
  /** As `upstream` takes it, in the flow style of YAML. */
  readonly upstream: string;
  readonly payTo: string;
  /** As `facilitator` takes it, in the flow style of YAML. */
  readonly facilitator: string;
  readonly usdc: string;
  /** As `store` takes it. */
  readonly store: string;
}

/** Writes the configuration of a gateway with all {@link ROUTES}. */
export function configurationOf(places: Places): string {
  return `listen: ${places.listen}
admin: off
upstream: ${places.upstream}
payTo: "${places.payTo}"
accepts: [base-sepolia]
store: "${places.store}"
retryWindow: 1h
deferred: { maxUnsettled: 60, maxUnsettledPerPayer: 12 }
facilitator: ${places.facilitator}
routes:
${ROUTES.map((route) => routeLine(route, places.usdc)).join('\n')}
`;
}

function routeLine({ prefix, method, amount, settle, keeps }: PricedRoute, usdc: string): string {
  const kept = keeps ? ', keepAnswers: { size: 256KB }' : '';
  const price = `{ amount: "${amount}", asset: "${usdc}" }`;
  return `  - { path: /${prefix}/:id, methods: [${method}], price: ${price}, settle: ${settle}, timeout: 3s${kept} }`;
}
