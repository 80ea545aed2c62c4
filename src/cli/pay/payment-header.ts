import { isCredentialField } from '../../domain/protocol-setting.ts';
import { paymentParts } from '../../protocol/mpp/auth-list.ts';
import type { SignedPayment } from './purchase-terms.ts';

/** The payment that a request carries: of x402 v2 or v1, or of MPP, without credentials of others beside it. */
export function paymentHeader(headers: Headers): SignedPayment['header'] | undefined {
  for (const [name, value] of headers) {
    const [credential] = isCredentialField(name) ? paymentParts(value) : [];
    if (credential !== undefined) return [name, `Payment ${credential}`];
  }
  for (const name of ['PAYMENT-SIGNATURE', 'X-PAYMENT']) {
    const value = headers.get(name);
    if (value !== null) return [name, value];
  }
  return undefined;
}
