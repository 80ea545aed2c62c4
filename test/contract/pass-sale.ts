import type { PaymentKey } from '../../src/domain/payment.ts';
import type { PassSale } from '../../src/store/passes.ts';

export const HOUR_MS = 3_600_000;
export const HOLDER = { family: 'eip155', payer: `0x${'01'.repeat(20)}` };

/** A made-up sale, with changed parts: an hour and a hundred requests of the reports. */
export function sale(changed: Partial<PassSale> & { readonly payment?: string } = {}): PassSale {
  const { payment = 'one', ...rest } = changed;
  return {
    paymentKey: `eip155:84532|0x02|0x01|${payment}` as PaymentKey,
    scope: 'route:reports',
    holder: HOLDER,
    opens: ['a'.repeat(64)],
    version: 'v1',
    forMs: HOUR_MS,
    requests: 100,
    ...rest,
  };
}
