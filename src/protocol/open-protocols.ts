import type { Plan } from '../domain/plan.ts';
import { isPriced } from '../domain/route-price.ts';
import type { Protocol } from './protocol.ts';
import type { ProtocolKind, ProtocolParts } from './protocol-kind.ts';

/** The protocols that a gateway knows, as its registry lists them. */
export interface KnownProtocols {
  /** Those that need nothing but their code, the preferred one first. */
  readonly protocols: readonly Protocol[];
  readonly protocolKinds: readonly ProtocolKind[];
}

/**
 * The payment protocols of a plan, the preferred one first.
 *
 * @throws GatewayError `store_unavailable` where one needs the store's secret
 */
export async function openProtocols(
  { routes }: Pick<Plan, 'routes'>,
  { protocols, protocolKinds }: KnownProtocols,
  parts: ProtocolParts,
): Promise<readonly Protocol[]> {
  const spoken = new Set(routes.filter(isPriced).flatMap((route) => route.protocols));
  const opening = protocolKinds.filter(({ setting }) => spoken.has(setting)).map((kind) => kind.open(parts));
  return [...protocols, ...(await Promise.all(opening))];
}
