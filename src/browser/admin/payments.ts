import type { Payment, PaymentDetail, PaymentPage, Unreadable } from './answers.ts';
import { ApiFault, post, read } from './api.ts';
import { ask } from './dialog.ts';
import { h, outside, shortened } from './dom.ts';
import { amountText, stateText, timeText } from './format.ts';
import { facts, section, table } from './table.ts';
import type { View, ViewContext } from './view.ts';

/** Groups of states that people look for. */
const STATES: readonly (readonly [value: string, label: string])[] = [
  ['', 'every state'],
  ['delivered,delivered_in_part,delivering,redelivering,undelivered,delivery_unknown', 'money moved'],
  ['owed,settling,unknown,uncharged', 'may still move'],
  ['unknown,undelivered,delivery_unknown,defaulted', 'needs somebody'],
  ['failed', 'failed'],
  ['released', 'released'],
  ['forwarding', 'in progress'],
];
/** Steps of one search without a find; then it asks. */
const STEPS = 10;

/** All payments, the latest first, with a search. */
export const payments: View = {
  title: 'Payments',
  async show({ query, say }: ViewContext) {
    const asked = Object.fromEntries(query);
    const list = h('div', {});
    await more(list, asked, undefined, say);
    return [searchForm(query), section('Latest first', list)];
  },
};

/** All that is known of one payment. */
export const payment: View = {
  title: 'Payment',
  async show({ query, status, refresh, say }: ViewContext) {
    const entry = await read<PaymentDetail>('payment', { key: query.get('key') ?? '' });
    const button = h(
      'button',
      { class: 'primary', click: () => void resolve(entry, refresh, say) },
      'Note that it is taken care of',
    );
    const actions = entry.resolvable && status.actions ? [h('p', { class: 'buttons' }, button)] : [];
    return [section('State', state(entry), h('p', {}, entry.meaning), ...actions), section('Facts', detail(entry))];
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
      { title: 'State', cell: state },
      ...(last === undefined ? [] : [{ title: last[0], cell: last[1] }]),
    ],
    rows,
    none,
  );
}

/** What a list could not read of the ledger; nothing where it could read all. */
export function unreadableTable(rows: readonly Unreadable[]): readonly HTMLElement[] {
  if (rows.length === 0) return [];
  const columns = [
    { title: 'Time (UTC)', cell: ({ claimedAt }: Unreadable) => timeText(claimedAt) },
    { title: 'Key', cell: ({ key }: Unreadable) => outside(key) },
    { title: 'Damaged column', cell: ({ unreadable }: Unreadable) => unreadable },
  ];
  const count = rows.length === 1 ? '1 payment' : `${rows.length} payments`;
  return [
    h('p', { class: 'note bad' }, `${count} of the ledger cannot be read: it is damaged there.`),
    table<Unreadable>('Payments that cannot be read', columns, rows, ''),
  ];
}

async function more(
  list: HTMLElement,
  asked: Readonly<Record<string, string>>,
  from: string | undefined,
  say: ViewContext['say'],
): Promise<void> {
  let after = from;
  for (let step = 0; step < STEPS; step += 1) {
    const page = await read<PaymentPage>('payments', { ...asked, after });
    after = page.next ?? undefined;
    const isEnd = page.next === null;
    const found = page.payments.length + page.unreadable.length;
    if (page.payments.length > 0 || (isEnd && found === 0 && list.childElementCount === 0)) {
      list.append(paymentTable('Payments', page.payments, 'No such payments.'));
    }
    list.append(...unreadableTable(page.unreadable));
    if (isEnd) return;
    if (found > 0 || step === STEPS - 1) {
      const label = page.searchedTo === null ? 'Show more' : `Search before ${timeText(page.searchedTo)}`;
      const next = page.next;
      const button = h(
        'button',
        {
          click: () => {
            button.remove();
            more(list, asked, next ?? undefined, say).catch((fault: unknown) =>
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

function amountOf({ settled, amount, amountAtomic, symbol }: Payment): string {
  const shown = settled?.amount ?? amount;
  return shown === null
    ? `${amountText(settled?.amountAtomic ?? amountAtomic)} atomic`
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

function state({ state: name, resolved }: Payment): HTMLElement {
  const noted = resolved === null ? '' : ', taken care of';
  return h('span', { class: `state ${resolved === null ? (TONES[name] ?? '') : ''}` }, `${stateText(name)}${noted}`);
}

function detail(entry: PaymentDetail): HTMLElement {
  const code = (text: string | null): HTMLElement | undefined =>
    text === null ? undefined : h('code', {}, outside(text));
  const transaction = entry.settled?.transaction ?? entry.attempt;
  const link =
    entry.transactionUrl === null || transaction === null
      ? code(transaction)
      : h(
          'a',
          { href: entry.transactionUrl, rel: 'noopener noreferrer', target: '_blank' },
          h('code', {}, transaction),
          ' ↗',
        );
  const { settled, symbol, amount, amountAtomic, asked } = entry;
  return facts([
    [
      'Amount',
      `${amount === null ? '' : `${amountText(amount)} ${symbol ?? ''} = `}${amountText(amountAtomic)} atomic units`,
    ],
    ['Asked for', asked === null ? undefined : `${amountText(asked)} ${symbol ?? ''}`],
    [
      'Charged',
      settled === null
        ? undefined
        : `${settled.amount === null ? '' : `${amountText(settled.amount)} ${symbol ?? ''} = `}${amountText(settled.amountAtomic)} atomic units`,
    ],
    [settled === null ? 'Transaction of the last attempt' : 'Transaction', link],
    ['Money moved', settled === null ? undefined : `${timeText(settled.at)} UTC`],
    ['Why', entry.reason === null ? undefined : outside(entry.reason)],
    [
      'Note',
      entry.resolved === null
        ? undefined
        : h('span', {}, outside(entry.resolved.note), ` (${timeText(entry.resolved.at)} UTC)`),
    ],
    ['Route', outside(entry.route)],
    ['Network', h('span', {}, outside(entry.networkName), ` (${entry.network})`)],
    ['Asset', code(entry.asset)],
    ['Payer', code(entry.payer)],
    ['Paid to', code(entry.payTo)],
    ['Taken', `${timeText(entry.claimedAt)} UTC`],
    ['Last step', `${timeText(entry.changedAt)} UTC`],
    ['Authorization ends', `${timeText(entry.expiresAt)} UTC`],
    [
      'Looked into',
      entry.checks === 0
        ? undefined
        : `${entry.checks} times${entry.checkAt === null ? '' : `, next ${timeText(entry.checkAt)} UTC`}`,
    ],
    ['Deliveries', String(entry.deliveries)],
    ['Scheme', outside(entry.scheme)],
    ['Facilitator', outside(entry.facilitator)],
    ['Request', code(entry.requestId)],
    ['Key', code(entry.key)],
  ]);
}

async function resolve({ key }: Payment, refresh: ViewContext['refresh'], say: ViewContext['say']): Promise<void> {
  const text = 'The note stays with the payment and takes it off the list. No money moves by it.';
  const note = await ask({ title: 'Taken care of', text, note: 'What was done', action: 'Save the note' });
  if (note === undefined) return;
  try {
    await post('payments/resolve', { key, note });
    await refresh();
    say('The note is saved.');
  } catch (fault) {
    say(fault instanceof ApiFault ? fault.message : 'That failed.');
  }
}
