import { parseFieldList } from '../field-list.ts';
import { find, mergeInto } from './flat-list.ts';
import { PAYMENT_REQUEST_HEADERS } from './names.ts';

const ASKED = 'access-control-request-headers';

/** The raw headers of a preflight without the payment headers in what it asks leave for. */
export function hidePaymentHeaders(sent: readonly string[]): string[] {
  const raw = [...sent];
  const ours = new Set(PAYMENT_REQUEST_HEADERS.map((name) => name.toLowerCase()));
  for (let at = find(raw, ASKED); at !== -1; at = find(raw, ASKED, at + 2)) {
    const asked = parseFieldList(raw[at + 1] ?? '').filter((name) => !ours.has(name.toLowerCase()));
    raw[at + 1] = asked.join(', ');
  }
  return raw;
}

/** Allows payment headers in the raw headers of an API's answer to a preflight, if it allows the origin at all. */
export function allowPaymentHeaders(raw: string[]): void {
  if (find(raw, 'access-control-allow-origin') === -1) return;
  mergeInto(raw, 'Access-Control-Allow-Headers', PAYMENT_REQUEST_HEADERS);
}
