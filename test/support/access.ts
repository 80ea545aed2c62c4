import { settlementOf, signFor } from './buyer.ts';
import type { Devnet, Payer } from './devnet.ts';

/** What came with a paid answer. */
export interface BoughtPass {
  readonly response: Response;
  readonly token: string;
  /** `name=value` of the cookie. */
  readonly cookie: string;
  readonly setCookie: string;
  /** `PAYMENT-RESPONSE.extensions["access-pass"].info`. */
  readonly info: Readonly<Record<string, unknown>>;
}

/** Pays for a URL and takes the pass that comes with the answer. */
export async function buyPass(devnet: Devnet, payer: Payer, url: string, init: RequestInit = {}): Promise<BoughtPass> {
  const header = await signFor(devnet, payer, url, init);
  const headers = { ...Object.fromEntries(new Headers(init.headers)), 'PAYMENT-SIGNATURE': header };
  return passOf(await fetch(url, { ...init, headers }));
}

/** The pass that came with an answer. */
export function passOf(response: Response): BoughtPass {
  const token = response.headers.get('x402-access-token');
  const setCookie = response.headers.get('set-cookie');
  if (token === null || setCookie === null) throw new Error(`status ${response.status} without a pass`);
  const extension = settlementOf(response).extensions?.['access-pass'];
  const info = extension instanceof Object && 'info' in extension ? extension.info : undefined;
  return {
    response,
    token,
    setCookie,
    cookie: setCookie.split(';', 1)[0] ?? '',
    info: info instanceof Object ? { ...info } : {},
  };
}

/** Calls a URL with an access token. */
export async function callWith(token: string, url: string, init: RequestInit = {}): Promise<Response> {
  return await fetch(url, { ...init, headers: { ...init.headers, 'X402-Access-Token': token } });
}
