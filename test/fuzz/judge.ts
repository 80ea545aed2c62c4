import { isPaidAhead, isPriced, PRICE } from './price-table.ts';
import type { Wallet } from './wallet.ts';

/** A request as the API got it. */
export interface Sight {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
}

/** A mark in every forged header value of a client. */
export const FORGED = 'f0rged';

/** How often the answer of one payment may be sent, the first time included. */
const MOST_CALLS = 6;

const FACTS = ['x402-payer', 'x402-network', 'x402-asset', 'x402-amount', 'x402-route'];
/** Headers that only the gateway may set, or that must not reach the API. */
const GUARDED =
  /^(x402-.*|payment-(required|response|signature)|x-payment(-response)?|x-forwarded-.*|forwarded|x-request-id|sign-in-with-x|proxy|x-original-url)$/;

/** Whether a value is one that no gateway writes. The client's `Host` is forwarded unchanged, and may hold any letters. */
function isForged(name: string, value: string): boolean {
  return name === 'x-forwarded-host' ? value === FORGED : value.includes(FORGED);
}

/**
 * Compares a request at the API with what was sold: finds the payer, and what is wrong with the request.
 *
 * It reads paths and headers more generously than the gateway does, as many servers would.
 */
export function judge({ method, url, rawHeaders }: Sight, wallet: Wallet): { payer?: string; wrong: string[] } {
  const headers = readAsVariables(rawHeaders);
  const path = url.split('?', 1)[0] ?? '';
  const wrong: string[] = [];
  for (const [name, values] of headers) {
    if (GUARDED.test(name) && values.some((value) => isForged(name, value))) wrong.push('spoofed header at the API');
  }
  for (const name of ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-request-id', 'host']) {
    if (headers.get(name)?.length !== 1) wrong.push(`not one ${name} at the API`);
  }
  const facts = FACTS.flatMap((name) => headers.get(name) ?? []);
  const [host = ''] = headers.get('x-forwarded-host') ?? [];
  const priced = isPriced(method, path, host);
  if (facts.length === 0) {
    if (priced) wrong.push('unpaid call of a priced path');
    return { wrong };
  }
  const payer = headers.get('x402-payer')?.[0] ?? '';
  const payment = wallet.of(payer);
  if (facts.length !== FACTS.length || headers.get('x402-amount')?.[0] !== PRICE)
    wrong.push('facts of a payment at the API');
  if (payment === undefined) return { payer, wrong: [...wrong, 'a payer who signed nothing'] };
  payment.calls += 1;
  payment.onCredit ||= path.startsWith('/deferred');
  if (payment.calls > (payment.impatient ? MOST_CALLS : 1)) wrong.push('several calls for one payment');
  if (isPaidAhead(method, path, host) && payment.settled === 0) wrong.push('called before the money moved');
  return { payer, wrong };
}

/** Headers as CGI, WSGI, Rack and PHP show them: all characters but letters and digits become the same one. */
function readAsVariables(raw: readonly string[]): Map<string, string[]> {
  const read = new Map<string, string[]>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
    read.set(name, [...(read.get(name) ?? []), raw[i + 1] ?? '']);
  }
  return read;
}
