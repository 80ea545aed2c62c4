import type { Money } from './answers.ts';

/** An exact amount with separators between thousands; never a float. */
export function amountText(amount: string): string {
  const [whole = '0', fraction] = amount.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** `1,234.5 USDC`, or atomic units of an unknown token. */
export function moneyText({ amount, symbol }: Pick<Money, 'amount' | 'symbol'>): string {
  return `${amountText(amount)} ${symbol ?? 'atomic'}`;
}

/** All sums; a dash where there are none. */
export function moneyList(money: readonly Money[]): string {
  return money.length === 0 ? '–' : money.map(moneyText).join(', ');
}

export function settledOf(money: readonly Money[]): number {
  return money.reduce((sum, { settled }) => sum + settled, 0);
}

export function countText(count: number): string {
  return amountText(String(count));
}

/** UTC, to the second. */
export function timeText(iso: string | null): string {
  return iso === null ? '–' : iso.slice(0, 19).replace('T', ' ');
}

const UNITS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** A duration in its two largest units: `2 h 5 min`. */
export function spanText(ms: number): string {
  let left = Math.floor(ms / 1000);
  const parts: string[] = [];
  for (const [size, unit] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.slice(0, 2).join(' ') || '0 s';
}

/** A state as words: `delivery unknown`. */
export function stateText(state: string): string {
  return state.replaceAll('_', ' ');
}
