import type { Offer } from '../domain/offer.ts';
import { type Pass, passEnd } from '../domain/pass.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import { type AccessPassNotice, accessPassExtension, accessPassHeaders } from '../protocol/access-pass.ts';
import { tokenCookie } from '../proxy/carried-token.ts';
import { passSale } from '../store/pass-sale.ts';
import { browserPath } from './browser-path.ts';
import type { RoutedRequest } from './exchange.ts';
import type { PassAccess, Services } from './runtime.ts';
import type { IssuedPass } from './stages.ts';

/**
 * Gives the payer the pass that a settled payment buys, and writes its token. The settlement must be written down
 * before. It may be called any number of times for one payment, and gives one pass: after a crash it is simply called
 * again.
 *
 * The terms are those of the offer that was paid. `undefined` where the offer sold no pass, or where the pass has ended
 * meanwhile.
 *
 * @throws GatewayError `store_unavailable`: the answer is withheld, and the same payment collects both later
 */
export async function issuePass(
  request: RoutedRequest,
  record: PaymentRecord,
  offer: Offer,
  services: Services,
): Promise<IssuedPass | undefined> {
  if (offer.access === undefined) return undefined;
  const now = services.clock();
  const pass = await services.ledger.passes.grant(passSale(record, offer.access), now);
  request.notes.pass = pass.id;
  const { access } = request.runtime.openPrice(request.route, request.price);
  const end = passEnd(pass, now);
  if (access === undefined || end === 'revoked' || end === 'expired') return undefined;
  request.notes.passUse = 'issued';
  const notice = noticeOf(pass, access.tokens.write(pass));
  const cookies = cookieOf(request, access, notice, now);
  return { id: pass.id, headers: [...accessPassHeaders(notice), ...cookies], extension: accessPassExtension(notice) };
}

/** The headers that give a pass to its holder, whose identity is proved. */
export function handOut(
  request: RoutedRequest,
  access: PassAccess,
  pass: Pass,
  remaining: number | undefined,
  now: number,
): readonly (readonly [string, string])[] {
  const { balance: _, ...told } = noticeOf(pass, access.tokens.write(pass));
  // The rest of a balance is told with each charge.
  const notice = { ...told, remaining };
  return [...accessPassHeaders(notice), ...cookieOf(request, access, notice, now)];
}

function noticeOf(pass: Pass, token: string): AccessPassNotice & { readonly token: string } {
  const { scope, expiresAt, quota, balance: currency } = pass;
  if (currency === undefined) return { scope, token, expiresAt, remaining: quota?.available };
  const balance = { available: quota?.available ?? 0, currency };
  return { scope, token, expiresAt, remaining: undefined, balance };
}

function cookieOf(
  request: RoutedRequest,
  { cookie, rule }: PassAccess,
  { token, expiresAt }: AccessPassNotice & { readonly token: string },
  now: number,
): readonly [string, string][] {
  if (!cookie) return [];
  const tls = request.publicOrigin.startsWith('https:');
  const path = browserPath(request, rule.path);
  const maxAgeSeconds = expiresAt === undefined ? undefined : Math.max(0, Math.floor((expiresAt - now) / 1000));
  return [['Set-Cookie', tokenCookie({ token, path, tls, maxAgeSeconds })]];
}
