import { CHARGE_SUCCESS, type ChargeRule } from '../domain/charge-rule.ts';
import type { Route, RoutePrice } from '../domain/route.ts';
import { inherited, soundValue } from './decoder.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { RouteFields } from './route-keys.ts';
import type { Source } from './source.ts';

/** What becomes of a route's answer when it does not arrive, and who has to pay for it. */
export type AnswerRules = Pick<Route, 'charge' | 'idempotent' | 'keepAnswers' | 'identifier' | 'enforcePercent'>;

/** Keys that only mean something where a payment is made. */
const PAID_ONLY = ['settle', 'charge', 'idempotent', 'keepAnswers', 'paymentIdentifier', 'enforce'] as const;

/**
 * Compiles how paid answers of a route reach their buyer. What the whole file says is for priced routes only; a free
 * route that says it itself is a problem, for whoever wrote it expects the route to be paid for.
 */
export function compileAnswers(
  fields: RouteFields,
  price: RoutePrice | undefined,
  gateway: GatewayFields,
  source: Source,
): AnswerRules {
  if (price?.kind === 'free') {
    checkFree(fields, source);
    return {
      charge: CHARGE_SUCCESS,
      idempotent: false,
      keepAnswers: undefined,
      identifier: 'off',
      enforcePercent: 100,
    };
  }
  checkCharge(fields, gateway, source);
  if (price !== undefined) checkDeferred(fields, gateway, source);
  const keep = soundValue(inherited(fields.keepAnswers, gateway.keepAnswers));
  return {
    charge: chargeRule(fields),
    idempotent: soundValue(fields.idempotent) ?? false,
    keepAnswers: keep === 'off' ? undefined : keep,
    identifier: soundValue(inherited(fields.paymentIdentifier, gateway.paymentIdentifier)) ?? 'off',
    enforcePercent: soundValue(inherited(fields.enforce, gateway.enforce)) ?? 100,
  };
}

function checkFree(fields: RouteFields, source: Source): void {
  for (const key of PAID_ONLY) {
    const field = fields[key];
    if (field.kind === 'value')
      source.report(field.place, `${key} has no effect on a free route`, 'a price, or the key left out');
  }
}

function chargeRule({ charge }: RouteFields): ChargeRule {
  const listed = soundValue(charge);
  if (listed === undefined) return CHARGE_SUCCESS;
  return { statuses: listed.flatMap((status) => (status.kind === 'value' ? [status.value] : [])) };
}

/** With `settle: before` the money moves before there is a status. */
function checkCharge({ charge, settle }: RouteFields, gateway: GatewayFields, source: Source): void {
  if (charge.kind !== 'value' || soundValue(inherited(settle, gateway.settle)) !== 'before') return;
  source.report(charge.place, 'charge has no effect with settle: before', 'settle: after, or the key left out');
}

/** Reported where the mode is written, so that routes that inherit it are told once. */
function checkDeferred(fields: RouteFields, gateway: GatewayFields, source: Source): void {
  const settle = inherited(fields.settle, gateway.settle);
  if (soundValue(settle) !== 'deferred' || soundValue(gateway.store)?.kind !== 'memory') return;
  source.warn(
    settle.place,
    'with store: memory a crash loses the money for every answer that is out and not settled yet',
    'a store that survives it, such as sqlite:./turnpike.db',
  );
}
