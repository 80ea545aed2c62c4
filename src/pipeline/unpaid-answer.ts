import { isCharged } from '../domain/charge-rule.ts';
import type { UpstreamResponse } from '../proxy/upstream-connection.ts';
import { unchargedHeaders } from './answer-later.ts';
import type { BodyDigest } from './body-digest.ts';
import { type ChargeResult, charge } from './charge.ts';
import type { ClaimedPayment } from './claim.ts';
import { keepAnswer, keepsAnswer } from './deliver.ts';
import type { RoutedRequest } from './exchange.ts';
import { checkHead, openUpstream, paidFacts, relay } from './forward.ts';
import type { Services } from './runtime.ts';
import { type AuthorizedPayment, type Served, served } from './stages.ts';

/** An answer that is charged, and waits for the charge. */
export interface Opened {
  readonly kind: 'opened';
  readonly response: UpstreamResponse;
}

/**
 * Opens the upstream for a payment whose money was not asked for yet. An answer with a status that the route does not
 * charge is relayed unpaid. After any failure the payment is released.
 */
export async function openUnpaid(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  digest: BodyDigest,
): Promise<Served | Opened> {
  let response: UpstreamResponse;
  try {
    response = await openUpstream(request, request.route, { paid: paidFacts(claimed.record), watch: digest });
  } catch (fault) {
    await claimed.move({ to: 'released', reason: 'upstream failed' });
    throw fault;
  }
  return await holdCharged(request, claimed, response);
}

/**
 * Handles the answer to a payment whose money was not asked for yet: holds it if it is charged, else relays it unpaid.
 */
export async function holdCharged(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  response: UpstreamResponse,
): Promise<Served | Opened> {
  const charged = isCharged(request.price.charge, response.status);
  if (charged && !request.clientGone.aborted) {
    await checkOrRelease(request, claimed, response);
    return { kind: 'opened', response };
  }
  try {
    await claimed.move({ to: 'released', reason: `upstream answered ${response.status}` });
  } catch (fault) {
    response.discard();
    throw fault;
  }
  if (charged) {
    response.discard();
    return served('client_gone');
  }
  await relay(request, response, true, unchargedHeaders(request));
  return served('unpaid');
}

/** A head that cannot be relayed is a failure of the upstream: detected before the money moves, it costs nothing. */
async function checkOrRelease(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  response: UpstreamResponse,
): Promise<void> {
  try {
    checkHead(request, response);
  } catch (fault) {
    await claimed.move({ to: 'released', reason: 'the response head was invalid' });
    throw fault;
  }
}

/** A payment whose answer from the upstream waits. */
interface Holding {
  readonly claimed: ClaimedPayment;
  readonly authorized: AuthorizedPayment;
  readonly response: UpstreamResponse;
  readonly digest: BodyDigest;
}

/** Charges while an answer is held; the answer is dropped unless the money moved. */
export async function chargeHolding(
  request: RoutedRequest,
  { claimed, authorized, response, digest }: Holding,
  services: Services,
): Promise<ChargeResult> {
  let charged: ChargeResult | undefined;
  try {
    // Stored before the money moves: after that the call is paid for and cannot be repeated.
    if (keepsAnswer(request) || response.broken) await keepOrRelease(request, claimed, response, digest, services);
    charged = await charge(request, claimed, authorized, services, digest.fact);
    return charged;
  } finally {
    if (charged?.kind !== 'charged') response.discard();
  }
}

/** Nothing was asked for yet: an answer that cannot be stored costs nothing. */
export async function keepOrRelease(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  response: UpstreamResponse,
  digest: BodyDigest,
  services: Services,
): Promise<void> {
  try {
    await keepAnswer(request, claimed, response, digest, services);
  } catch (fault) {
    await claimed.move({ to: 'released', reason: 'the answer could not be kept' });
    throw fault;
  }
}
