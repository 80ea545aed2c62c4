import type { Payment, PaymentDetail, Usage } from './answers.ts';
import { ApiFault, post, read } from './api.ts';
import { ask } from './dialog.ts';
import { h, outside } from './dom.ts';
import { amountText, stateText, timeText } from './format.ts';
import { stateOf } from './payment-cells.ts';
import { facts, section } from './table.ts';
import type { View, ViewContext } from './view.ts';

/** Everything known about one payment. */
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
    return [section('State', stateOf(entry), h('p', {}, entry.meaning), ...actions), section('Facts', detail(entry))];
  },
};

/** The figures that a metered call was charged for. */
function usedText({ figures, rates, guessed, missing, stated }: Usage): string {
  const lines = Object.entries(figures).map(([what, count]) => {
    const rate = rates[what];
    return `${amountText(count)} ${what}${rate === undefined ? '' : ` at ${rate}`}`;
  });
  if (stated !== null) lines.push(`the API said ${stated}`);
  if (missing !== null) lines.push(`not told: ${stateText(missing)}`);
  return `${lines.join(', ')}${guessed ? ' (guessed from what went out)' : ''}`;
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
  const { settled, symbol, amount, amountAtomic, asked, usage } = entry;
  return facts([
    [
      usage === null ? 'Amount' : 'Amount at most',
      `${amount === null ? '' : `${amountText(amount)} ${symbol ?? ''} = `}${amountText(amountAtomic)} atomic units`,
    ],
    ['Asked for', asked === null ? undefined : `${amountText(asked)} ${symbol ?? ''}`],
    [
      'Charged',
      settled === null
        ? undefined
        : `${settled.amount === null ? '' : `${amountText(settled.amount)} ${symbol ?? ''} = `}${amountText(settled.amountAtomic)} atomic units`,
    ],
    ['Used', usage === null ? undefined : outside(usedText(usage))],
    ['Model', usage === null || usage.model === null ? undefined : outside(usage.model)],
    ['Counted by', usage === null ? undefined : outside(usage.meter)],
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
    ['Protocol', entry.protocol === null ? undefined : outside(entry.protocol)],
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
