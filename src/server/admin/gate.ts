import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AdminPage } from '../../domain/plan.ts';
import { AdminRefusal } from './admin-refusal.ts';

/** The parts of a request that the gate reads. */
export type GatedRequest = Pick<IncomingMessage, 'method' | 'headers'>;

/**
 * Lets a call of the API through, or refuses it.
 *
 * - A page of another site cannot even have something read: browsers say where a request comes from, and cannot be made
 *   to lie about it by a page.
 * - The token is no cookie, which browsers would add to what other pages ask for, and would send to every port of this
 *   host. A page that does not know it cannot act, whatever it makes a browser send.
 * - What changes something needs a token to be configured: that everybody on a machine may look does not mean that
 *   everybody may act.
 *
 * @throws AdminRefusal
 */
export function admit({ method, headers }: GatedRequest, { token }: AdminPage, changes: boolean): void {
  if (isFromElsewhere(headers, method)) throw new AdminRefusal('cross_site', 'another site asked for this');
  if (token !== undefined && !isBearer(headers.authorization, token)) {
    throw new AdminRefusal('token_required', 'send admin.token as Authorization: Bearer');
  }
  if (changes && token === undefined) {
    throw new AdminRefusal('actions_need_token', 'set admin.token in the configuration to change anything from here');
  }
  if (method === 'POST' && !/^application\/json(?:;|$)/i.test(headers['content-type'] ?? '')) {
    throw new AdminRefusal('json_required', 'send Content-Type: application/json');
  }
}

/** Programs do not send `Sec-Fetch-Site`; a browser sends `none` where its user typed the address. */
function isFromElsewhere(headers: GatedRequest['headers'], method: string | undefined): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && !(site === 'none' && method !== 'POST')) return true;
  const { origin, host } = headers;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
}

/** The digests have one length and are compared in constant time: neither length nor a common beginning shows. */
function isBearer(header: string | undefined, token: string): boolean {
  const [, given] = /^Bearer ([^\s]+)$/i.exec(header ?? '') ?? [];
  return given !== undefined && timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', token, 'buffer'));
}
