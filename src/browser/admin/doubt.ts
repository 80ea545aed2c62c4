import type { Doubt, Payment } from './answers.ts';
import { read } from './api.ts';
import { h } from './dom.ts';
import { spanText } from './format.ts';
import { paymentTable, unreadablePayments } from './payments.ts';
import { section } from './table.ts';
import type { View } from './view.ts';

/** Payments whose money may still move, and payments that need action. */
export const doubt: View = {
  title: 'In doubt',
  everyMs: 10_000,
  async show() {
    const { open, unreadable, moreOpen, waiting } = await read<Doubt>('doubt');
    const ages = new Map<Payment, number>(open.map((each) => [each, each.forMs]));
    const all = h(
      'a',
      { href: '#/payments?state=unknown,undelivered,delivery_unknown,defaulted' },
      'Look further back',
    );
    return [
      section(
        'Money that may still move, the oldest first',
        paymentTable('Money that may still move', open, 'None: every payment has come to an end.', [
          'For',
          (row) => spanText(ages.get(row) ?? 0),
        ]),
        ...unreadablePayments(unreadable),
        moreOpen ? h('p', {}, 'There are more.') : undefined,
      ),
      section(
        'Payments that need action',
        paymentTable('Payments that need action', waiting.payments, 'None.'),
        ...unreadablePayments(waiting.unreadable),
        waiting.next === null ? undefined : h('p', {}, all),
      ),
    ];
  },
};
