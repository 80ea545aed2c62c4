import type { Answer } from '../domain/answer.ts';
import { transactionOf } from '../domain/receipt.ts';
import { relayResponseHeaders } from '../proxy/headers/to-client.ts';
import { BodyRefusedError } from '../proxy/upstream-fault.ts';
import type { KeptAnswer } from '../store/answers.ts';
import { BodyDigest } from './body-digest.ts';
import { claimDelivery } from './claim.ts';
import { anyOriginReads } from './cross-origin.ts';
import type { RoutedRequest } from './exchange.ts';
import { noticeHeaders } from './refusal.ts';
import type { Services } from './runtime.ts';
import { settlementNotice } from './settlement-notice.ts';
import { type CollectablePayment, type IssuedPass, type Refusal, type Served, served } from './stages.ts';

/**
 * Sends a stored answer of a call that must not be repeated. The request must be the very one that was paid for, down
 * to its body, which is read for its digest only.
 */
export async function serveKept(
  request: RoutedRequest,
  collectable: CollectablePayment,
  kept: KeptAnswer,
  pass: IssuedPass | undefined,
  services: Services,
): Promise<Served | Refusal> {
  if (!(await isSameBody(request, kept))) {
    const code = 'payment_bound_to_another_request';
    return { kind: 'refusal', code, reason: code };
  }
  const claimed = await claimDelivery(collectable, services);
  let arrived = false;
  try {
    arrived = await send(request, collectable, kept, pass);
  } finally {
    await claimed.move({ to: arrived ? 'delivered' : stateBefore(collectable) });
  }
  return served(arrived ? 'redelivered' : 'client_gone');
}

/** The state to return to when a stored answer did not arrive: no worse than before. */
function stateBefore({
  record: { state },
}: CollectablePayment): 'delivered' | 'delivered_in_part' | 'delivery_unknown' {
  return state === 'delivered' || state === 'delivered_in_part' ? state : 'delivery_unknown';
}

async function isSameBody({ body }: RoutedRequest, kept: KeptAnswer): Promise<boolean> {
  const digest = new BodyDigest(body, kept.requestDigest);
  if (body === undefined || body.held !== undefined) return digest.matches;
  try {
    await body.pass(digest);
    return true;
  } catch (fault) {
    if (fault instanceof BodyRefusedError) return false;
    throw fault;
  }
}

/** Writes the answer as it was relayed first; returns whether all of it was handed to the connection. */
async function send(
  request: RoutedRequest,
  collectable: CollectablePayment,
  kept: KeptAnswer,
  pass: IssuedPass | undefined,
): Promise<boolean> {
  const { head, client, runtime, method, notes, price, form } = request;
  const notice = settlementNotice(request, { ...collectable, pass });
  notes.transaction = notice && transactionOf(notice.receipt);
  const { status, statusText, headers, body } = kept;
  const passes = price.access !== undefined;
  const { httpVersionMinor } = head;
  const context = {
    fields: runtime.fields,
    method,
    status,
    httpVersionMinor,
    paid: true,
    passes,
    anyOrigin: anyOriginReads(request),
    add: notice === undefined ? [] : noticeHeaders(notice, status),
  };
  const relayed = relayResponseHeaders(headers, context);
  const answer: Answer = { status, reason: statusText, headers: relayed, body, encoding: 'latin1', dated: false };
  return await client.deliver(form === undefined ? answer : form.kept(answer, notice));
}
