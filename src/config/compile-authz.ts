import type { Route } from '../domain/route.ts';
import { paidPrices } from '../domain/route-price.ts';
import type { Upstream } from '../domain/upstream.ts';
import { isOfBody } from '../domain/when.ts';
import { type Field, soundValue } from './decoder.ts';
import { itemsOf } from './forms.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { Source } from './source.ts';

/** The upstream of routes whose requests the gateway does not forward. */
const NO_API: Upstream = {
  servers: [],
  headers: [],
  connectTimeoutMs: 1_000,
  timeoutMs: 30_000,
  idleTimeoutMs: undefined,
  totalTimeoutMs: undefined,
  connections: 1,
  paidConnections: 0,
  tls: undefined,
};

/** Keys of a route that say how the gateway forwards. */
const FORWARDING = ['upstream', 'rewrite', 'timeout', 'keepAnswers', 'mcp'] as const;

/** The file as it is meant with `authz`: there is no API, and no answer of the gateway's own but that to a question. */
export function asAsked(gateway: GatewayFields): GatewayFields {
  if (gateway.authz.kind === 'absent') return gateway;
  const { upstream, discovery, paywall } = gateway;
  return {
    ...gateway,
    upstream: given(upstream, NO_API),
    discovery: given(discovery, 'off'),
    paywall: given(paywall, 'off'),
  };
}

function given<T>(field: Field<T>, otherwise: T): Field<T> {
  return field.kind === 'absent' ? { kind: 'value', place: field.place, value: otherwise } : field;
}

/** Refuses what cannot be where another proxy forwards: what needs the API's answer, a body, or answers of our own. */
export function checkAuthz(gateway: GatewayFields, routes: readonly Route[], source: Source): void {
  const { authz, upstream, discovery, paywall, receipts, trustedProxies } = gateway;
  if (authz.kind !== 'value') return;
  if ((soundValue(trustedProxies) ?? []).length === 0) {
    source.report(
      authz.place,
      'nobody may ask: there are no trustedProxies',
      'trustedProxies with the proxy that asks',
    );
  }
  for (const own of [discovery, paywall, receipts]) {
    if (own.kind !== 'value' || own.value === 'off') continue;
    source.report(
      own.place,
      'with authz the gateway publishes nothing: the proxy that asks takes answers of 2xx for a yes',
      'off',
    );
  }
  if (upstream.kind === 'value' && upstream.value !== NO_API) reportForwarding(upstream, 'upstream', source);
  for (const fields of itemsOf(gateway.routes))
    for (const key of FORWARDING) if (fields[key].kind === 'value') reportForwarding(fields[key], key, source);
  for (const price of routes.flatMap(paidPrices)) {
    if (price.settle !== 'before') {
      const wrong = `${price.id} is settled after an answer that the gateway does not see`;
      source.report(authz.place, wrong, 'settle: before');
    }
    if (price.when.some(({ subject }) => isOfBody(subject))) {
      const wrong = `${price.id} depends on the body, which the proxy does not show`;
      source.report(authz.place, wrong, 'conditions on method, header or query');
    }
  }
}

function reportForwarding({ place }: Field<unknown>, key: string, source: Source): void {
  source.report(place, `${key} has no effect with authz: the proxy that asks forwards`, 'the key left out');
}
