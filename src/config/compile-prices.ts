import { CHARGE_SUCCESS } from '../domain/charge-rule.ts';
import type { Network } from '../domain/network.ts';
import { formatPrice } from '../domain/price.ts';
import type { Route } from '../domain/route.ts';
import type { PaidPrice, RoutePrice, VerifyMode } from '../domain/route-price.ts';
import type { Upstream } from '../domain/upstream.ts';
import type { When } from '../domain/when.ts';
import { type Field, inherited, soundValue } from './decoder.ts';
import { checkFree } from './free-route.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { Ceiling, MeteredPrice } from './metered-price-keys.ts';
import { makeOffers, type OfferInputs, type SharedOffers } from './offers.ts';
import { checkPayees, type Payees } from './payee-keys.ts';
import type { AcceptFields, CallPrice } from './payment-keys.ts';
import type { RouteFields } from './route-keys.ts';
import type { Source } from './source.ts';

/** The keys that a price has for itself. */
export type PriceFields = Pick<
  RouteFields,
  'price' | 'accepts' | 'payTo' | 'settle' | 'verify' | 'charge' | 'access' | 'description'
>;

/** What one price is compiled from. */
export interface PriceSource {
  /** {@link RoutePrice.id}. */
  readonly id: string;
  readonly when: When;
  readonly fields: PriceFields;
  readonly gateway: GatewayFields;
  readonly inputs: OfferInputs;
  /** How long the upstream may take, in milliseconds. */
  readonly timeoutMs: Route['timeoutMs'];
  readonly totalTimeoutMs: Upstream['totalTimeoutMs'];
}

/** Compiles one price; its passes get their terms when all prices are known. `undefined` after a problem was reported. */
export function compilePrice(given: PriceSource, source: Source): RoutePrice | undefined {
  const { id, when, fields, gateway } = given;
  const price = soundValue(fields.price);
  if (price === undefined) return undefined;
  const description = soundValue(fields.description);
  if (price.kind === 'free') {
    checkFree(fields, ['settle', 'verify', 'charge'], source);
    return { kind: 'free', id, when, description };
  }
  const metering = price.kind === 'metered' ? price.metering : undefined;
  const balance = balanceOf(fields, source);
  // A balance is bought before its calls.
  const settle = balance === undefined ? soundValue(inherited(fields.settle, gateway.settle)) : 'before';
  const verify = verifyOf(given, settle, source);
  const sold = compileOffers(given, balance ?? price, settle ?? 'after', source);
  if (balance === undefined) checkDeferred(fields, gateway, source);
  if (metering !== undefined && balance === undefined) checkMetered(fields, settle, source);
  if (settle !== undefined) checkCharge(fields, settle, source);
  if (sold === undefined || settle === undefined || verify === undefined) return undefined;
  return {
    kind: 'priced',
    id,
    when,
    description,
    ...sold,
    ...(balance !== undefined && price.kind === 'metered' && { text: balanceText(price, balance) }),
    settle,
    ...(verify !== 'auto' && { verify }),
    metering,
    charge: soundValue(fields.charge) ?? CHARGE_SUCCESS,
    access: undefined,
  };
}

function compileOffers(
  { fields, gateway, inputs, timeoutMs, totalTimeoutMs }: PriceSource,
  price: Exclude<CallPrice, { kind: 'free' }>,
  settle: PaidPrice['settle'],
  source: Source,
): SharedOffers | undefined {
  const at = fields.price.place;
  if (gateway.facilitator.kind === 'absent')
    source.report(at, 'nobody settles the payment: there is no facilitator', 'facilitator, for the whole file');
  const accepts = inherited(fields.accepts, gateway.accepts);
  if (accepts.kind === 'absent')
    source.report(
      at,
      'there is no way to pay: there is no accepts',
      'accepts such as [base], here or for the whole file',
    );
  const payTo = inherited(fields.payTo, gateway.payTo);
  // A route that inherits nothing is reported at its own place, not at the start of the file.
  const payToOrHere: Field<Payees> = payTo.kind === 'absent' ? { kind: 'absent', place: at } : payTo;
  if (fields.payTo.kind === 'value') checkPayees(fields.payTo, networksOf(accepts), source);
  const metering = price.kind === 'metered' ? price.metering : undefined;
  const amount = price.kind === 'metered' ? price.upTo : price;
  const text = metering === undefined ? formatPrice(amount) : `up to ${formatPrice(amount)}`;
  const isPlain = accepts === gateway.accepts && payTo === gateway.payTo;
  const terms = isPlain ? `${text}\n${metering?.min}\n${settle}\n${timeoutMs}\n${totalTimeoutMs}` : undefined;
  const known = terms === undefined ? undefined : inputs.prices.get(terms);
  if (known !== undefined) return known;
  const said = saidBy(source);
  const offers = makeOffers(
    { price: amount, metering, pricePlace: at, payTo: payToOrHere, settle, timeoutMs, totalTimeoutMs },
    accepts,
    inputs,
    source,
  );
  if (offers.length === 0) return undefined;
  const made: SharedOffers = { text, offers };
  // What is to be said of a price is said of every route that has it.
  if (terms !== undefined && saidBy(source) === said) inputs.prices.set(terms, made);
  return made;
}

/** The networks of ways to pay. */
export function networksOf(accepts: Field<readonly Field<AcceptFields>[]>): readonly Network[] {
  return (soundValue(accepts) ?? []).flatMap((accept) =>
    accept.kind === 'value' ? (soundValue(accept.value.network) ?? []) : [],
  );
}

function saidBy({ problems, warnings }: Source): number {
  return problems.length + warnings.length;
}

function balanceText({ upTo }: MeteredPrice, balance: Ceiling): string {
  return `up to ${formatPrice(upTo)}, of a balance of ${formatPrice(balance)}`;
}

/** The balance that a price sells, where it may. */
function balanceOf({ access, price, settle }: PriceFields, source: Source): Ceiling | undefined {
  const balance = soundValue(access)?.balance;
  const metered = soundValue(price);
  if (balance === undefined || metered === undefined || metered.kind === 'free') return undefined;
  if (metered.kind !== 'metered') {
    const wrong = 'a balance is drawn down by what calls used, which this price does not count';
    source.report(access.place, wrong, 'a price with upTo and meter; or for and requests');
    return undefined;
  }
  if (currencyOf(balance) !== currencyOf(metered.upTo)) {
    source.report(access.place, 'the balance is in another currency than the price', 'the currency of upTo');
    return undefined;
  }
  if (settle.kind === 'value')
    source.report(
      settle.place,
      'settle has no effect where a balance is sold: it is bought before its calls',
      'no settle',
    );
  return balance;
}

/** When a payment is verified. What the file says of all prices holds where it can. */
function verifyOf(
  { fields, gateway }: PriceSource,
  settle: PaidPrice['settle'] | undefined,
  source: Source,
): VerifyMode | undefined {
  const said = inherited(fields.verify, gateway.verify);
  const mode = soundValue(said);
  if (mode !== 'alongside' || settle === undefined) return mode;
  if (soundValue(gateway.foreignTransfers) === 'serve') {
    const wrong = 'with foreignTransfers: serve a payment is verified before its call';
    source.report(said.place, wrong, 'auto or always');
  }
  const isRead =
    soundValue(fields.price)?.kind === 'metered' || (soundValue(fields.charge)?.unlessJson.length ?? 0) > 0;
  if (settle === 'after' && !isRead) return mode;
  if (fields.verify.kind === 'value') {
    const why = settle === 'after' ? 'the answer is read before it is charged' : `settle: ${settle} has another order`;
    source.report(fields.verify.place, `alongside has no effect: ${why}`, 'auto or always');
  }
  return 'auto';
}

function currencyOf(amount: Ceiling): string {
  return amount.kind === 'usd' ? '$' : amount.symbol;
}

/** What was used is known after the call, and no pass is sold for it. */
function checkMetered({ access, price }: PriceFields, settle: PaidPrice['settle'] | undefined, source: Source): void {
  if (settle === 'before') {
    const wrong = 'with settle: before the money would move before it is known what was used';
    source.report(price.place, wrong, 'settle: after');
  }
  if (access.kind === 'absent') return;
  const wrong = 'a metered price sells no pass of a time or of requests: each call is charged for what it used';
  source.report(access.place, wrong, 'access: {balance: $1}, or no access');
}

/** An answer can only cost nothing for what it says where it is there before the money moves. */
function checkCharge(fields: PriceFields, settle: PaidPrice['settle'], source: Source): void {
  const { charge, price } = fields;
  if (charge.kind !== 'value' || charge.value.unlessJson.length === 0) return;
  if (soundValue(price)?.kind === 'metered') {
    const wrong = 'a metered price reads the answer already, and charges nothing for a call that failed';
    source.report(charge.place, `unlessJson has no effect: ${wrong}`, 'a list of statuses');
  } else if (settle !== 'after') {
    const wrong = `with settle: ${settle} unlessJson has no effect: the money is due before the answer is read`;
    source.report(charge.place, wrong, 'settle: after');
  }
}

/** Reported where the mode is written, so that routes that inherit it are reported once. */
function checkDeferred(fields: PriceFields, gateway: GatewayFields, source: Source): void {
  const settle = inherited(fields.settle, gateway.settle);
  if (soundValue(settle) !== 'deferred' || soundValue(gateway.store)?.lasting !== false) return;
  source.warn(
    settle.place,
    'with store: memory a crash loses the money for every answer that is out and not settled yet',
    'a store that survives it, such as sqlite:./turnpike.db',
  );
}
