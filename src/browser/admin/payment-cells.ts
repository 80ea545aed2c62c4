import type { Payment } from './answers.ts';
import { h } from './dom.ts';
import { amountText, stateText } from './format.ts';

/** What moved, else what was asked for, else the price: that of a call by use is a maximum. */
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

/** The state of a payment, with a tone for who sees it. */
export function stateOf({ state: name, resolved }: Payment): HTMLElement {
  const noted = resolved === null ? '' : ', taken care of';
  return h('span', { class: `state ${resolved === null ? (TONES[name] ?? '') : ''}` }, `${stateText(name)}${noted}`);
}
