import { SUM_NAME } from '../domain/price-sum.ts';
import type { RoutePrice } from '../domain/route-price.ts';
import { conditionName, type When } from '../domain/when.ts';
import { compileMcpPrices } from './compile-mcp.ts';
import { compilePrice, type PriceFields, type PriceSource } from './compile-prices.ts';
import { type Field, inherited, soundValue } from './decoder.ts';
import { valuesOf } from './forms.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { OfferInputs } from './offers.ts';
import { checkPriceList } from './price-overlaps.ts';
import type { PriceEntryFields, RouteFields } from './route-keys.ts';
import type { Place, Source } from './source.ts';
import { checkVerified } from './verified-prices.ts';

/** What the prices of one route are compiled from. */
export interface PriceListSource extends Pick<PriceSource, 'timeoutMs' | 'totalTimeoutMs'> {
  /** Name of the route. */
  readonly name: string;
  /** Where to report what the route itself lacks. */
  readonly place: Place;
  readonly fields: RouteFields;
  readonly gateway: GatewayFields;
  readonly inputs: OfferInputs;
}

/** A price beside its entry as written. */
export interface CompiledPrice {
  readonly price: RoutePrice;
  readonly fields: PriceFields;
}

/** The conditions of a price for all requests. One empty list for all routes: a hundred thousand of them take memory. */
const ALWAYS: When = [];

/** Compiles the price or the prices of a route; `undefined` where one of them is not sound. */
export function compilePriceList(given: PriceListSource, source: Source): readonly CompiledPrice[] | undefined {
  const { fields, name } = given;
  checkAlongside(fields, source);
  if (fields.mcp.kind !== 'absent') return soleMcp(given, source);
  if (fields.price.kind !== 'absent' && fields.prices.kind !== 'absent') {
    source.report(fields.prices.place, 'the route has a price as well', 'either price or prices');
    return undefined;
  }
  if (fields.price.kind === 'absent' && fields.prices.kind === 'absent') {
    source.report(fields.price.place, 'it is missing: the route has no price', 'price: free, or what a call costs');
    return undefined;
  }
  if (fields.prices.kind === 'absent') {
    const price = compilePrice({ ...given, id: name, when: ALWAYS, fields }, source);
    return price && [{ price, fields }];
  }
  return compileEntries(given, soundValue(fields.prices) ?? [], source);
}

/** A call that is refused after it was made must do no harm. */
function checkAlongside({ verify, methods }: RouteFields, source: Source): void {
  if (soundValue(verify) !== 'alongside' || methods.kind !== 'value') return;
  if (valuesOf(methods.value).some((method) => method === 'GET' || method === 'HEAD')) return;
  source.report(verify.place, 'alongside is for GET and HEAD, which this route does not have', 'auto or always');
}

function soleMcp(given: PriceListSource, source: Source): readonly CompiledPrice[] | undefined {
  for (const field of [given.fields.price, given.fields.prices]) {
    if (field.kind !== 'absent') source.report(field.place, 'the route sells calls of MCP', 'either mcp or a price');
  }
  const mcp = soundValue(given.fields.mcp);
  return mcp && compileMcpPrices(given, mcp, source);
}

function compileEntries(
  given: PriceListSource,
  entries: readonly Field<PriceEntryFields>[],
  source: Source,
): readonly CompiledPrice[] | undefined {
  const ids = new Map<string, Place>();
  const compiled = entries.map((entry) => {
    if (entry.kind !== 'value') return undefined;
    const { value, place } = entry;
    const when = value.when.kind === 'absent' ? ALWAYS : soundValue(value.when);
    if (when === undefined) return undefined;
    const id = claimId(given.name, value, when, place, ids, source);
    const fields = withRoute(value, given.fields);
    const price = compilePrice({ ...given, id, when, fields }, source);
    return price && { price, fields, place };
  });
  const sound = compiled.filter((each) => each !== undefined);
  if (sound.length < entries.length) return undefined;
  checkPriceList(sound, source);
  checkVerified(sound, given, source);
  return sound;
}

/** What an entry does not say about money it takes from its route; a free one takes nothing that needs a payment. */
function withRoute(entry: PriceEntryFields, route: RouteFields): PriceFields {
  const description = inherited(entry.description, route.description);
  const { price, accepts, payTo, settle, verify, charge, access } = entry;
  if (soundValue(price)?.kind === 'free') return { price, accepts, payTo, settle, verify, charge, access, description };
  return {
    price,
    description,
    accepts: inherited(accepts, route.accepts),
    payTo: inherited(payTo, route.payTo),
    settle: inherited(settle, route.settle),
    verify: inherited(verify, route.verify),
    charge: inherited(charge, route.charge),
    access: inherited(access, route.access),
  };
}

/** The id of an entry; two entries with one id are reported, as they need names. */
function claimId(
  route: string,
  { name }: PriceEntryFields,
  when: When,
  place: Place,
  ids: Map<string, Place>,
  source: Source,
): string {
  const own = soundValue(name) ?? conditionName(when);
  const id = `${route}#${own}`;
  if (own === SUM_NAME) source.report(name.place, `${SUM_NAME} is what the sum of a batch is called`, 'another name');
  const other = ids.get(id);
  // The second of two entries without conditions is reported as unreachable.
  if (other !== undefined && when.length > 0)
    source.report(place, `${other.path} is called ${JSON.stringify(own)}, too`, 'name: a name of its own');
  ids.set(id, place);
  return id;
}
