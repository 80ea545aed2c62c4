import { Buffer } from 'node:buffer';
import { type Amount, formatAmount } from '../domain/amount.ts';
import type { Asset } from '../domain/asset.ts';
import { parseDecimal } from '../domain/decimal.ts';
import type { Metering } from '../domain/metered-price.ts';
import { type Network, networkFamily } from '../domain/network.ts';
import { sameAddress } from '../domain/network-family.ts';
import { METERED_SCHEME, type Offer, statesMaximum } from '../domain/offer.ts';
import { priceInUnits } from '../domain/price.ts';
import type { IdentifierRule } from '../domain/route.ts';
import type { PaidPrice as PricedOffers, SettleMode } from '../domain/route-price.ts';
import { PAYMENT_FLOW, type PaymentRequired } from '../domain/x402.ts';
import { findScheme, type Scheme } from '../scheme/scheme.ts';
import { type AssetInputs, chooseAsset, type PaidPrice } from './asset-choice.ts';
import { networkName } from './asset-table.ts';
import { type Field, soundValue } from './decoder.ts';
import { type Payees, payeeOn } from './payee-keys.ts';
import type { AcceptFields } from './payment-keys.ts';
import type { Place, Source } from './source.ts';

/** What is offered at a price; routes that inherit all but the price itself share it. */
export type SharedOffers = Pick<PricedOffers, 'text' | 'offers'>;

/** What offers are made from, besides one route's price. */
export interface OfferInputs extends AssetInputs {
  readonly schemes: readonly Scheme[];
  /** Networks that can be settled on; `undefined` when only the start will tell, or the facilitators are not sound. */
  readonly served: ReadonlySet<Network> | undefined;
  /**
   * Prices of routes that inherit all but the price itself, by what they depend on: a table of ten thousand routes has a
   * few dozen, and routes share them.
   */
  readonly prices: Map<string, SharedOffers>;
}

/** One route's price, and what its offers inherit. */
export interface Quote {
  readonly price: PaidPrice;
  /** Set where the price is a maximum, of which what was used is charged. */
  readonly metering: Metering | undefined;
  readonly pricePlace: Place;
  readonly payTo: Field<Payees>;
  readonly settle: SettleMode;
  readonly timeoutMs: number;
  /** How long the upstream may take for the whole answer, in milliseconds; `undefined` for as long as it likes. */
  readonly totalTimeoutMs: number | undefined;
}

/** The lifetime of a quote where nothing asks for more: what the official SDK uses. */
const DEFAULT_TIMEOUT_SECONDS = 300;
/** Time to verify and settle, next to the upstream's: the payment must not run out before it is settled. */
const SETTLE_BUDGET_SECONDS = 30;
/** Room for what a request adds: the path's parameters and query in `resource.url`, and the error's reason. */
const REQUEST_ROOM_BYTES = 512;
/** Room for the declaration of the `payment-identifier` extension without its schema. */
const IDENTIFIER_ROOM_BYTES = 64;
/** Room for what declares that facilitators pay for the approval of Permit2, where they say so. */
const SPONSORING_ROOM_BYTES = 128;
/** Room for the declaration of the pass that a payment buys. */
const PASS_ROOM_BYTES = 384;
/** Room for the declaration of the `sign-in-with-x` extension without its schema, next to the URL and the chains in it. */
const SIGN_IN_ROOM_BYTES = 448;
const CHAIN_ROOM_BYTES = 80;

/** Makes the offers of one route, reporting each way to pay that cannot be. */
export function makeOffers(
  quote: Quote,
  accepts: Field<readonly Field<AcceptFields>[]>,
  inputs: OfferInputs,
  source: Source,
): readonly Offer[] {
  warnOfLimit(quote, source);
  const offers: Offer[] = [];
  let sound = accepts.kind === 'value';
  let skipped = 0;
  for (const accept of soundValue(accepts) ?? []) {
    const result = accept.kind === 'value' ? makeOffer(quote, accept.value, accept.place, inputs, source) : undefined;
    if (result === undefined) sound = false;
    else if (result === 'other asset') skipped += 1;
    else if (offers.some((offer) => isSameOffer(offer, result, inputs)))
      source.report(accept.place, 'this way to pay is listed twice', 'each once');
    else offers.push(result);
  }
  if (sound && offers.length === 0 && skipped > 0) {
    source.report(
      quote.pricePlace,
      'no way to pay that the route accepts has this asset',
      'the address of an asset that accepts lists',
    );
  }
  return offers;
}

function makeOffer(
  quote: Quote,
  accept: AcceptFields,
  place: Place,
  inputs: OfferInputs,
  source: Source,
): Offer | 'other asset' | undefined {
  const network = soundValue(accept.network);
  if (network === undefined) return undefined;
  // Each of these reports on its own, so that one mistake does not hide another.
  checkServed(network, accept.network.place, inputs, source);
  const scheme = wantedScheme(network, accept, quote, place, inputs, source);
  const own = accept.asset ?? { kind: 'absent', place };
  const asset = chooseAsset({ network, own, place, price: quote.price, pricePlace: quote.pricePlace }, inputs, source);
  const maxTimeoutSeconds = maxTimeout(quote, accept, source);
  const amount = asset === undefined || asset === 'other asset' ? undefined : amountIn(asset, quote, inputs, source);
  const sound = amount === undefined || typeof asset !== 'object' || checkLeast(asset, amount, quote, source);
  const payTo = payee(network, { quote, accept, asset }, inputs, source);
  if (asset === 'other asset') return asset;
  if (asset === undefined || scheme === undefined || amount === undefined) return undefined;
  if (payTo === undefined || maxTimeoutSeconds === undefined || !sound) return undefined;
  return buildOffer({ asset, amount, payTo, maxTimeoutSeconds }, quote.settle, scheme, inputs);
}

function buildOffer(
  terms: Pick<Offer, 'asset' | 'amount' | 'payTo' | 'maxTimeoutSeconds'>,
  settle: SettleMode,
  scheme: Scheme,
  inputs: OfferInputs,
): Offer {
  const { asset, amount, payTo, maxTimeoutSeconds } = terms;
  const known = inputs.table.find(asset.network);
  const v1 = known?.v1 === true && scheme.scheme === 'exact' && asset.transferMethod === 'eip3009';
  return {
    ...terms,
    scheme: scheme.scheme,
    network: asset.network,
    v1Network: v1 ? known.name : undefined,
    requirements: {
      scheme: scheme.scheme,
      network: asset.network,
      amount: formatAmount(amount),
      asset: asset.address,
      payTo,
      maxTimeoutSeconds,
      extra: { ...scheme.extra(asset), ...(settle === 'before' ? { [PAYMENT_FLOW]: 'upfront' } : {}) },
    },
  };
}

function checkServed(network: Network, place: Place, inputs: OfferInputs, source: Source): void {
  if (inputs.served === undefined || inputs.served.has(network)) return;
  const name = networkName(inputs.table, network);
  const right = `an rpc URL for ${name} in facilitator.local.rpc, or a remote facilitator`;
  source.report(place, `no facilitator serves the network ${name}`, right);
}

function amountIn(asset: Asset, quote: Quote, inputs: OfferInputs, source: Source): Amount | undefined {
  if (quote.price.kind === 'atomic') return quote.price.amount;
  const units = priceInUnits(quote.price.decimal, asset.decimals);
  if (units.ok) return units.value;
  const where = `${asset.symbol} on ${networkName(inputs.table, asset.network)}`;
  source.report(quote.pricePlace, `${units.wrong} (${where})`, units.right);
  return undefined;
}

/** Most that stock clients pay for one call by default, in dollars. */
const STOCK_LIMIT = '1';

/** A buyer's client compares its limit with the maximum, whatever is charged in the end. */
function warnOfLimit({ metering, price, pricePlace }: Quote, source: Source): void {
  if (metering === undefined || price.kind !== 'usd') return;
  const most = parseDecimal(price.decimal);
  const limit = parseDecimal(STOCK_LIMIT);
  if (most === undefined || limit === undefined || most.digits <= limit.digits * 10n ** BigInt(most.scale)) return;
  source.warn(
    pricePlace,
    `stock clients refuse to sign for more than $${STOCK_LIMIT} for one call`,
    `an upTo of at most $${STOCK_LIMIT}`,
  );
}

/** Whether the least charge is one that the asset can hold, and not above the maximum. */
function checkLeast(asset: Asset, maximum: Amount, { metering, pricePlace }: Quote, source: Source): boolean {
  if (metering === undefined || metering.min === '0') return true;
  const least = priceInUnits(metering.min, asset.decimals);
  if (!least.ok) source.report(pricePlace, `min: ${least.wrong}`, least.right);
  else if (least.value > maximum) source.report(pricePlace, 'min is above upTo', 'a min of at most upTo');
  return least.ok && least.value <= maximum;
}

function payee(
  network: Network,
  said: { readonly quote: Quote; readonly accept: AcceptFields; readonly asset: Asset | 'other asset' | undefined },
  { families }: OfferInputs,
  source: Source,
): string | undefined {
  const { quote, accept, asset } = said;
  const own = accept.payTo;
  if (own?.kind === 'invalid') return undefined;
  const field: Field<Payees> =
    own?.kind === 'value' ? { ...own, value: { kind: 'one', address: own.value } } : quote.payTo;
  if (field.kind === 'absent') {
    source.report(field.place, 'nobody is paid: there is no payTo', 'an address, here or for the whole file');
  }
  const paid = field.kind === 'value' ? payeeOn(network, field, families, source) : undefined;
  if (paid === undefined || typeof asset !== 'object') return paid?.address;
  if (!sameAddress(families.of(network), paid.address, asset.address)) return paid.address;
  source.report(paid.place, 'the money would go to the token contract and be lost', 'the address of your wallet');
  return undefined;
}

function wantedScheme(
  network: Network,
  accept: AcceptFields,
  { metering }: Quote,
  place: Place,
  inputs: OfferInputs,
  source: Source,
): Scheme | undefined {
  const field = accept.scheme;
  if (field?.kind === 'invalid') return undefined;
  const stated = field?.kind === 'value' ? field.value : 'exact';
  const wanted = metering === undefined ? stated : METERED_SCHEME;
  const family = networkFamily(network);
  const fit = inputs.schemes.filter((scheme) => statesMaximum(scheme) === (metering !== undefined));
  const found = findScheme(fit, wanted, network);
  if (found?.unchecked !== undefined) {
    source.warn(
      place,
      `on ${networkName(inputs.table, network)} ${found.unchecked(network)}`,
      'a facilitator that you trust with that',
    );
  }
  if (found !== undefined) return found;
  const has = fit.map((scheme) => `${scheme.scheme} on ${scheme.family ?? 'any family'}`).join(', ');
  source.report(
    field?.kind === 'value' ? field.place : place,
    `this release has no scheme ${wanted} on ${family} networks`,
    `one of ${has}`,
  );
  return undefined;
}

function maxTimeout(quote: Quote, accept: AcceptFields, source: Source): number | undefined {
  // Deferred settlement waits for the upstream too, and settles `after` when too much is unsettled.
  const upstreamSeconds = quote.settle !== 'before' ? Math.ceil(callMs(quote) / 1000) : 0;
  const least = upstreamSeconds + SETTLE_BUDGET_SECONDS;
  const field = accept.maxTimeoutSeconds;
  if (field === undefined || field.kind === 'absent') return Math.max(DEFAULT_TIMEOUT_SECONDS, least);
  if (field.kind === 'invalid') return undefined;
  if (field.value >= least) return field.value;
  const parts =
    upstreamSeconds === 0 ? '' : ` (${upstreamSeconds} for the upstream, ${SETTLE_BUDGET_SECONDS} to settle)`;
  source.report(
    field.place,
    `a payment could run out before it is settled: ${field.value} seconds are too few`,
    `at least ${least}${parts}`,
  );
  return undefined;
}

/**
 * How long a call may take before its money is asked for, in milliseconds. On credit it moves when the answer is over:
 * where a whole answer has its limit, that one counts.
 */
function callMs({ metering, settle, timeoutMs, totalTimeoutMs }: Quote): number {
  return metering === undefined && settle !== 'deferred' ? timeoutMs : Math.max(timeoutMs, totalTimeoutMs ?? 0);
}

function isSameOffer(a: Offer, b: Offer, { families }: OfferInputs): boolean {
  if (a.scheme !== b.scheme || a.network !== b.network) return false;
  const family = families.of(a.network);
  return sameAddress(family, a.payTo, b.payTo) && sameAddress(family, a.asset.address, b.asset.address);
}

function paysByPermit2({ requirements }: Offer): boolean {
  return requirements.extra['assetTransferMethod'] === 'permit2';
}

/**
 * How long `PAYMENT-REQUIRED` of these offers can get without what may be left out, in bytes.
 *
 * @param declared whether a payment buys a pass, and whether clients can sign in
 */
export function headerLength(
  offers: readonly Offer[],
  resource: PaymentRequired['resource'],
  identifier: IdentifierRule,
  declared: { readonly pass: boolean; readonly signIn: boolean },
): number {
  const challenge: PaymentRequired = {
    x402Version: 2,
    error: '',
    resource,
    accepts: offers.map((offer) => offer.requirements),
  };
  const signIn = SIGN_IN_ROOM_BYTES + resource.url.length + offers.length * CHAIN_ROOM_BYTES;
  const room =
    REQUEST_ROOM_BYTES +
    (identifier === 'off' ? 0 : IDENTIFIER_ROOM_BYTES) +
    (offers.some(paysByPermit2) ? SPONSORING_ROOM_BYTES : 0) +
    (declared.pass ? PASS_ROOM_BYTES : 0) +
    (declared.signIn ? signIn : 0);
  const bytes = Buffer.byteLength(JSON.stringify(challenge)) + room;
  return Math.ceil(bytes / 3) * 4;
}
