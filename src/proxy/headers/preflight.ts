import { parseFieldList } from '../field-list.ts';
import { find, mergeInto } from './flat-list.ts';
import { PAYMENT_REQUEST_HEADERS } from './names.ts';

const ASKED = 'access-control-request-headers';

/** Takes payment headers out of what a preflight asks leave for, in the raw headers of its request. */
export function hidePaymentHeaders(raw: string[]): void {
  const ours = new Set(PAYMENT_REQUEST_HEADERS.map((name) => name.toLowerCase()));
  for (let at = find(raw, ASKED); at !== -1; at = find(raw, ASKED, at + 2)) {
    const asked = parseFieldList(raw[at + 1] ?? '').filter((name) => !ours.has(name.toLowerCase()));
    raw[at + 1] = asked.join(', ');
  }
}

/** Allows payment headers in the raw headers of an API's answer to a preflight, if it allows the origin at all. */
export function allowPaymentHeaders(raw: string[]): void {
  if (find(raw, 'access-control-allow-origin') === -1) return;
  mergeInto(raw, 'Access-Control-Allow-Headers', PAYMENT_REQUEST_HEADERS);
}
