import type { Payment, PaymentPage, Unreadable } from './answers.ts';
import { read } from './api.ts';
import { h, outside, shortened } from './dom.ts';
import { timeText } from './format.ts';
import { amountOf, stateOf } from './payment-cells.ts';
import { section, table } from './table.ts';
import { unreadableTable } from './unreadable.ts';
import type { View, ViewContext } from './view.ts';

/** Groups of states to search for. */
const STATES: readonly (readonly [value: string, label: string])[] = [
  ['', 'every state'],
  ['delivered,delivered_in_part,delivering,redelivering,undelivered,delivery_unknown', 'money moved'],
  ['owed,settling,unknown,uncharged', 'may still move'],
  ['unknown,undelivered,delivery_unknown,defaulted', 'needs action'],
  ['failed', 'failed'],
  ['released', 'released'],
  ['forwarding', 'in progress'],
];
/** Most pages that a search reads without a hit before it shows a button to go on. */
const MOST_PAGES = 10;

/** All payments, newest first, with a search. */
export const payments: View = {
  title: 'Payments',
  async show({ query, say }: ViewContext) {
    const asked = Object.fromEntries(query);
    const list = h('div', {});
    await showMore(list, asked, undefined, say);
    return [searchForm(query), section('Latest first', list)];
  },
};

/** A table of payments. */
export function paymentTable(
  label: string,
  rows: readonly Payment[],
  none: string,
  last?: readonly [string, (row: Payment) => string],
): HTMLElement {
  return table<Payment>(
    label,
    [
      {
        title: 'Time (UTC)',
        cell: ({ claimedAt, key }) =>
          h('a', { href: `#/payment?${new URLSearchParams({ key })}` }, timeText(claimedAt)),
      },
      { title: 'Route', cell: ({ route }) => outside(route) },
      { title: 'Amount', cell: amountOf, figure: true },
      { title: 'Network', cell: ({ networkName }) => outside(networkName) },
      { title: 'Payer', cell: ({ payer }) => shortened(payer) },
      { title: 'State', cell: stateOf },
      ...(last === undefined ? [] : [{ title: last[0], cell: last[1] }]),
    ],
    rows,
    none,
  );
}

/** The damaged payments of a list; empty where there are none. */
export function unreadablePayments(rows: readonly Unreadable[]): readonly HTMLElement[] {
  return unreadableTable(['payment', 'payments'], rows, [
    { title: 'Time (UTC)', cell: ({ claimedAt }) => timeText(claimedAt) },
    { title: 'Key', cell: ({ key }) => outside(key) },
  ]);
}

async function showMore(
  list: HTMLElement,
  asked: Readonly<Record<string, string>>,
  from: string | undefined,
  say: ViewContext['say'],
): Promise<void> {
  let after = from;
  for (let step = 0; step < MOST_PAGES; step += 1) {
    const page = await read<PaymentPage>('payments', { ...asked, after });
    after = page.next ?? undefined;
    const isEnd = page.next === null;
    const found = page.payments.length + page.unreadable.length;
    if (page.payments.length > 0 || (isEnd && found === 0 && list.childElementCount === 0)) {
      list.append(paymentTable('Payments', page.payments, 'No such payments.'));
    }
    list.append(...unreadablePayments(page.unreadable));
    if (isEnd) return;
    if (found > 0 || step === MOST_PAGES - 1) {
      const label = page.searchedTo === null ? 'Show more' : `Search before ${timeText(page.searchedTo)}`;
      const next = page.next;
      const button = h(
        'button',
        {
          click: () => {
            button.remove();
            showMore(list, asked, next ?? undefined, say).catch((fault: unknown) =>
              say(fault instanceof Error ? fault.message : ''),
            );
          },
        },
        label,
      );
      list.append(button);
      return;
    }
  }
}

function searchForm(query: URLSearchParams): HTMLElement {
  const field = (name: string, label: string): HTMLElement =>
    h(
      'div',
      { class: 'field' },
      h('label', { for: name }, label),
      h('input', { id: name, name, value: query.get(name) ?? '', autocomplete: 'off', spellcheck: 'false' }),
    );
  const options = STATES.map(([value, label]) =>
    h('option', { value, selected: query.get('state') === value ? true : undefined }, label),
  );
  return h(
    'form',
    {
      class: 'card search',
      role: 'search',
      'aria-label': 'Payments',
      submit: (event) => {
        event.preventDefault();
        const given = new FormData(event.currentTarget as HTMLFormElement);
        const filled = [...given].flatMap(([name, value]) =>
          typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()]] : [],
        );
        location.hash = `#/payments?${new URLSearchParams(filled)}`;
      },
    },
    field('name', 'Transaction, request, nonce or key'),
    field('payer', 'Payer'),
    field('route', 'Route'),
    h(
      'div',
      { class: 'field' },
      h('label', { for: 'state' }, 'State'),
      h('select', { id: 'state', name: 'state' }, ...options),
    ),
    h('button', { type: 'submit', class: 'primary' }, 'Search'),
  );
}
