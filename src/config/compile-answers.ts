import type { Route } from '../domain/route.ts';
import { isPriced, type RoutePrice } from '../domain/route-price.ts';
import { inherited, soundValue } from './decoder.ts';
import { checkFree } from './free-route.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { RouteFields } from './route-keys.ts';
import type { Source } from './source.ts';

/** What happens to a route's answer that does not arrive, which clients pay for it, and how that is attributed. */
export type AnswerRules = Pick<Route, 'idempotent' | 'keepAnswers' | 'identifier' | 'enforcePercent' | 'builderCode'>;

/** Keys that only mean something where a payment is made. */
const PAID_ONLY = ['idempotent', 'keepAnswers', 'paymentIdentifier', 'enforce', 'builderCode'] as const;

/**
 * Compiles how paid answers of a route reach their buyer. Defaults of the file apply to priced routes only; a free
 * route with such a key of its own is a problem, since its author expects the route to be paid for.
 *
 * @param prices those that are sound
 */
export function compileAnswers(
  fields: RouteFields,
  prices: readonly RoutePrice[],
  gateway: GatewayFields,
  source: Source,
): AnswerRules {
  if (prices.length > 0 && !isPriced({ prices })) {
    checkFree(fields, PAID_ONLY, source);
    return { idempotent: false, keepAnswers: undefined, identifier: 'off', enforcePercent: 100 };
  }
  const attributed = soundValue(inherited(fields.builderCode, gateway.builderCode));
  const keep = soundValue(inherited(fields.keepAnswers, gateway.keepAnswers));
  return {
    idempotent: soundValue(fields.idempotent) ?? false,
    keepAnswers: keep === 'off' ? undefined : keep,
    identifier: soundValue(inherited(fields.paymentIdentifier, gateway.paymentIdentifier)) ?? 'off',
    enforcePercent: soundValue(inherited(fields.enforce, gateway.enforce)) ?? 100,
    ...(attributed !== undefined && attributed !== 'off' && { builderCode: attributed }),
  };
}
