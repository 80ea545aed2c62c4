import { findField } from '../../domain/flat-fields.ts';
import { parseFieldList } from '../field-list.ts';
import { mergeInto } from './flat-list.ts';
import type { PaymentFields } from './payment-fields.ts';

const ASKED = 'access-control-request-headers';

/** The raw headers of a preflight, without payment headers in `Access-Control-Request-Headers`. */
export function hidePaymentHeaders(sent: readonly string[], { hidden }: PaymentFields): string[] {
  const raw = [...sent];
  for (let at = findField(raw, ASKED); at !== -1; at = findField(raw, ASKED, at + 2)) {
    const asked = parseFieldList(raw[at + 1] ?? '').filter((name) => !hidden.has(name.toLowerCase()));
    raw[at + 1] = asked.join(', ');
  }
  return raw;
}

/** Allows payment headers in the raw headers of an API's answer to a preflight, if it allows the origin at all. */
export function allowPaymentHeaders(raw: string[], { sent }: PaymentFields): void {
  if (findField(raw, 'access-control-allow-origin') === -1) return;
  mergeInto(raw, 'Access-Control-Allow-Headers', sent);
}
