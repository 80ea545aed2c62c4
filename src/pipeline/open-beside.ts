import type { UpstreamResponse } from '../proxy/upstream-connection.ts';
import type { BodyDigest } from './body-digest.ts';
import { CallDeparture } from './call-departure.ts';
import type { ClaimedPayment } from './claim.ts';
import type { RoutedRequest } from './exchange.ts';
import { openUpstream, paidFacts } from './forward.ts';
import type { AuthorizedPayment, AuthorizeResult, Refusal, Served } from './stages.ts';
import { holdCharged, type Opened } from './unpaid-answer.ts';

/** An answer that is charged, and the payment as a facilitator has verified it. */
export interface OpenedBeside extends Opened {
  readonly authorized: AuthorizedPayment;
}

/**
 * `verify: alongside`: opens the upstream while a facilitator verifies the payment, which stands at `forwarding`. The
 * claim came first, so that only one of any number of copies gets here. Nothing goes out before both have answered.
 *
 * | the facilitator | the upstream | the payment | the client gets |
 * |---|---|---|---|
 * | finds it good | answers with a status that is charged | `forwarding`, to be settled | nothing yet |
 * | finds it good | answers otherwise, or fails | `released` | that answer, or the fault |
 * | refuses, or fails | is broken off, its answer dropped | `released` | the refusal, or the fault |
 *
 * Nobody has been asked for money: a process that is killed at any point leaves `forwarding`, which recovery releases.
 *
 * @param verify asks the facilitator, once
 * @throws GatewayError of the facilitator, else of the upstream; `store_unavailable`
 */
export async function openBeside(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  verify: () => Promise<AuthorizeResult>,
  digest: BodyDigest,
): Promise<Served | Refusal | OpenedBeside> {
  const departure = new CallDeparture(request.clientGone);
  const terms = { paid: paidFacts(claimed.record), watch: digest };
  const calling = openUpstream({ ...request, clientGone: departure }, request.route, terms);
  const [called, verified] = await Promise.allSettled([calling, orCallOff(verify(), departure)]);
  if (verified.status === 'rejected') {
    await letGo(claimed, called, 'it could not be verified');
    throw verified.reason;
  }
  const { value: result } = verified;
  if (result.kind === 'collectable') throw new Error('a payment that is held cannot be collected');
  if (result.kind === 'refusal') {
    await letGo(claimed, called, 'it was refused');
    return result;
  }
  if (called.status === 'rejected') {
    await letGo(claimed, called, 'upstream failed');
    throw called.reason;
  }
  const opened = await holdCharged(request, claimed, called.value);
  return opened.kind === 'opened' ? { ...opened, authorized: result } : opened;
}

/** Cancels the call where its payment is not authorized. */
async function orCallOff(verifying: Promise<AuthorizeResult>, departure: CallDeparture): Promise<AuthorizeResult> {
  let isGood = false;
  try {
    const result = await verifying;
    isGood = result.kind === 'authorized';
    return result;
  } finally {
    if (!isGood) departure.cancel();
  }
}

/** Drops the upstream's answer and releases the payment: no money was asked for. */
async function letGo(
  claimed: ClaimedPayment,
  called: PromiseSettledResult<UpstreamResponse>,
  reason: string,
): Promise<void> {
  if (called.status === 'fulfilled') called.value.discard();
  await claimed.move({ to: 'released', reason });
}
