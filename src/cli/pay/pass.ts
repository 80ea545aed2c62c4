import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import { ACCESS_PASS, ACCESS_TOKEN_HEADER } from '../../protocol/access-pass.ts';

const TOKEN = /^tpk_[A-Za-z0-9._-]{1,300}$/;

/** The pass that a 402 says a payment buys, such as `3600 s, 3 requests`; `undefined` where it names none. */
export function offeredPass(extensions: Readonly<Record<string, unknown>> | undefined): string | undefined {
  // Decoded from JSON by the client library, which leaves the type open.
  const declared: Json | undefined = JSON.parse(JSON.stringify(extensions?.[ACCESS_PASS] ?? null));
  const info = isJsonObject(declared) ? declared['info'] : undefined;
  if (!isJsonObject(info)) return undefined;
  const { forSeconds, requests, balance } = info;
  if (isJsonObject(balance)) return 'a balance of what is paid, of which each call draws what it used';
  const terms = [
    ...(typeof forSeconds === 'number' ? [`${forSeconds} s`] : []),
    ...(typeof requests === 'number' ? [`${requests} requests`] : []),
  ];
  return terms.length === 0 ? undefined : terms.join(', ');
}

/** The pass that an answer sold or was opened by, one fact per line, and how to come back with it. */
export function describePass(headers: Headers): readonly string[] {
  const token = headers.get(ACCESS_TOKEN_HEADER);
  const expires = headers.get('X402-Access-Expires');
  const remaining = headers.get('X402-Access-Remaining');
  const balance = headers.get('X402-Access-Balance');
  if (token === null || !TOKEN.test(token)) return [];
  const limits = [
    ...(expires === null || Number.isNaN(Date.parse(expires)) ? [] : [`until ${new Date(expires).toISOString()}`]),
    ...(remaining === null || !/^\d{1,15}$/.test(remaining) ? [] : [`${remaining} requests left`]),
    ...(balance === null || !/^\d{1,40}$/.test(balance) ? [] : [`balance of ${balance} atomic units left`]),
  ];
  return [
    `pass      ${limits.length === 0 ? 'sold with this answer' : limits.join(', ')}; come back without paying with`,
    `  -H '${ACCESS_TOKEN_HEADER}: ${token}'`,
  ];
}
