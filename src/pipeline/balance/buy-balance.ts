import { GatewayError } from '../../domain/gateway-error.ts';
import type { Offer } from '../../domain/offer.ts';
import { transactionOf } from '../../domain/receipt.ts';
import type { PaidPrice } from '../../domain/route-price.ts';
import { BodyDigest } from '../body-digest.ts';
import { charge } from '../charge.ts';
import type { ClaimedPayment } from '../claim.ts';
import { writeDelivery } from '../deliver.ts';
import type { RoutedRequest } from '../exchange.ts';
import { paidFacts, relay } from '../forward.ts';
import { noticeHeaders } from '../refusal.ts';
import type { Services } from '../runtime.ts';
import { answerFault, serveAgain } from '../serve-charged.ts';
import type { AuthorizedPayment, CollectablePayment, Refusal, Served, SettlementNotice } from '../stages.ts';
import { withClaim } from '../with-claim.ts';
import { type SendAnswer, serveFromBalance } from './serve-balance.ts';

/** Whether the payment buys a balance, with its own request as the first call. */
export function buysBalance({ access }: PaidPrice, offer: Offer): boolean {
  return access?.terms.balance !== undefined && offer.access?.balance !== undefined;
}

/**
 * Serves a request whose payment buys a balance: the money is settled, the balance is written down, and the request is
 * its first call. The purchase stands whatever the result of that call: every answer states the balance.
 *
 * A crash before the settlement is written leaves the payment `settling`: recovery looks for the proof and grants the
 * balance with it. After that the payment is `delivering`, and becomes `undelivered`: sent again, it collects the token
 * and makes the call anew, charged to the balance.
 */
export async function buyBalance(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  services: Services,
): Promise<Served | Refusal> {
  return await withClaim(
    request,
    authorized,
    'before',
    services,
    async (claimed, placed) => {
      const charged = await charge(placed, claimed, authorized, services);
      if (charged.kind === 'refusal') return charged;
      return await serveBought(placed, claimed, charged.notice, services);
    },
    { collect: collectBalance },
  );
}

/** Hands out the token of a balance whose payment was settled before, and makes the call. */
export async function collectBalance(
  request: RoutedRequest,
  collectable: CollectablePayment,
  services: Services,
): Promise<Served | Refusal> {
  return await serveAgain(request, collectable, services, (claimed, notice) =>
    serveBought(request, claimed, notice, services),
  );
}

async function serveBought(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  notice: SettlementNotice,
  services: Services,
): Promise<Served | Refusal> {
  const { pass } = notice;
  request.notes.transaction = transactionOf(notice.receipt);
  const digest = new BodyDigest(request.body);
  let written: Served | undefined;
  const send: SendAnswer = async (response, told, changes) => {
    const replaced = new Set(told.map(([name]) => name));
    const fields = noticeHeaders(notice, response.status).filter(([name]) => !replaced.has(name));
    const outcome = await relay(request, response, true, [...fields, ...told], changes);
    written = await writeDelivery(request, { claimed, response, digest }, outcome, false);
    return outcome;
  };
  try {
    if (pass === undefined) throw new GatewayError('access_token_expired', { detail: 'The balance was revoked.' });
    const facts = paidFacts(claimed.record);
    const result = await serveFromBalance(request, { pass: pass.id, facts }, send, services);
    if (result.kind === 'served') return written ?? (await leave(claimed, result));
    // Other calls hold the balance: it is not lost, and nothing more is to be paid.
    throw new GatewayError('access_balance_in_use', { retryAfterSeconds: 1 });
  } catch (fault) {
    if (written !== undefined) throw fault;
    await claimed.move({ to: 'undelivered', reason: 'the first call of the balance failed' });
    return answerFault(request, notice, fault);
  }
}

/** The client left before anything was sent. */
async function leave(claimed: ClaimedPayment, result: Served): Promise<Served> {
  await claimed.move({
    to: 'undelivered',
    reason: 'the client went before the first call of the balance was answered',
  });
  return result;
}
