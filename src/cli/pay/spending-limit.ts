import { formatUnits } from '../../domain/amount.ts';
import type { Asset } from '../../domain/asset.ts';
import { type Parsed, type Price, parseAtomicPrice, parsePrice, priceInUnits } from '../../domain/price.ts';
import type { PayableOffer } from './payable-offer.ts';

/** The most that one payment may cost, as `--max` says it: in dollars, in a token, or in atomic units of a contract. */
export type SpendingLimit = Exclude<Price, { kind: 'free' }>;

/** Of a contract of EVM, or a mint of Solana. */
const ATOMIC = /^(\S+) +(0x[0-9a-fA-F]{40}|[1-9A-HJ-NP-Za-km-z]{32,44})$/;
const RIGHT = "'$0.10', '0.10 USDC', or atomic units of a contract such as '10000 0x…'";

/** Reads `--max`. */
export function parseSpendingLimit(text: string): Parsed<SpendingLimit> {
  const [, amount, asset] = ATOMIC.exec(text) ?? [];
  const parsed = amount === undefined || asset === undefined ? parsePrice(text) : parseAtomicPrice(amount, asset);
  if (!parsed.ok) return { ...parsed, right: RIGHT };
  const { value } = parsed;
  if (value.kind === 'free') return { ok: false, wrong: 'free is no limit', right: RIGHT };
  return { ok: true, value };
}

/**
 * Says why an offer may not be paid, or `undefined` when it is within the limit.
 *
 * Exact: what a dollar is worth is reckoned in the asset's own digits. A token that is not in the asset table has no
 * known worth, whatever its contract calls itself, so that only a limit in its own atomic units covers it.
 */
export function overLimit(limit: SpendingLimit, { amount, assetAddress, asset }: PayableOffer): string | undefined {
  if (limit.kind === 'atomic') {
    if (!isSame(limit.asset, assetAddress)) return `--max is for another token, ${limit.asset}`;
    return amount <= limit.amount ? undefined : `it is more than --max, ${limit.amount} atomic units`;
  }
  if (asset === undefined) {
    return `what a unit of ${assetAddress} is worth is not known here; allow it with --max '${amount} ${assetAddress}'`;
  }
  if (limit.kind === 'token' && limit.symbol !== asset.symbol) return `--max is for another token, ${limit.symbol}`;
  const most = mostUnits(limit.decimal, asset);
  return amount <= most ? undefined : `it is more than --max, ${formatUnits(most, asset.decimals)} ${asset.symbol}`;
}

/** Case counts on Solana alone. */
function isSame(one: string, other: string): boolean {
  return one === other || (one.startsWith('0x') && one.toLowerCase() === other.toLowerCase());
}

/** The limit in atomic units. A limit finer than the asset is cut, never rounded up. */
function mostUnits(decimal: string, { decimals }: Asset): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  const units = priceInUnits(
    decimals === 0 ? whole : `${whole}.${fraction.slice(0, decimals).padEnd(1, '0')}`,
    decimals,
  );
  return units.ok ? units.value : 0n;
}
