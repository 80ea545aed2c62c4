import type { Payment } from './answers.ts';
import { h } from './dom.ts';
import { amountText, stateText } from './format.ts';

/** The settled amount, else the requested one, else the price; the price of a metered call is its maximum. */
export function amountOf({ settled, asked, askedAtomic, amount, amountAtomic, symbol }: Payment): string {
  const shown = settled?.amount ?? asked ?? amount;
  return shown === null
    ? `${amountText(settled?.amountAtomic ?? askedAtomic ?? amountAtomic)} atomic`
    : `${amountText(shown)} ${symbol ?? ''}`;
}

const TONES: Readonly<Record<string, string>> = {
  delivered: 'good',
  delivered_in_part: 'good',
  unknown: 'bad',
  delivery_unknown: 'bad',
  defaulted: 'bad',
  undelivered: 'warn',
  settling: 'warn',
  owed: 'warn',
  uncharged: 'warn',
};

/** The state of a payment, with a colour. */
export function stateOf({ state: name, resolved }: Payment): HTMLElement {
  const noted = resolved === null ? '' : ', taken care of';
  return h('span', { class: `state ${resolved === null ? (TONES[name] ?? '') : ''}` }, `${stateText(name)}${noted}`);
}
