import type { StreamReading, WholeReading } from '../../domain/answer-reader.ts';
import { isCharged } from '../../domain/charge-rule.ts';
import { GatewayError } from '../../domain/gateway-error.ts';
import type { PassId } from '../../domain/pass.ts';
import type { OpenHold } from '../../pass/balance-holds.ts';
import { balanceFields } from '../../protocol/access-pass.ts';
import type { PaidFacts } from '../../proxy/headers/to-upstream.ts';
import type { RelayOutcome, UpstreamResponse } from '../../proxy/upstream-connection.ts';
import { hooksOf } from '../../store/news.ts';
import { SETTLE_MS } from '../cut-in-time.ts';
import type { RoutedRequest } from '../exchange.ts';
import { type Changes, checkHead, endOf, openUpstream, relay } from '../forward.ts';
import { collectAnswer } from '../read-answer.ts';
import { passUseOf } from '../refuse-pass.ts';
import { withPlace } from '../reserve.ts';
import type { Services } from '../runtime.ts';
import { changedRequest, replacedBy } from '../serve-by-answer.ts';
import { type Admission, type Refusal, type Served, served } from '../stages.ts';
import { type BalanceCall, balanceCall, takeHold } from './balance-call.ts';
import { BalanceStream } from './balance-stream.ts';
import { type Drawn, type DrawTerms, drawCharge, toldOfDraw } from './draw-charge.ts';

/** Headers by name and value. */
type Fields = readonly (readonly [name: string, value: string])[];

/** A balance that pays for a request. */
export interface PayingBalance {
  readonly pass: PassId;
  readonly facts: PaidFacts;
}

/**
 * Sends the answer.
 *
 * @param told headers about the balance
 */
export type SendAnswer = (response: UpstreamResponse, told: Fields, changes?: Changes) => Promise<RelayOutcome>;

/** A call whose maximum is held. */
interface HeldCall {
  readonly request: RoutedRequest;
  readonly hold: OpenHold;
  readonly call: BalanceCall;
  readonly terms: DrawTerms;
  readonly facts: PaidFacts;
  readonly send: SendAnswer;
}

/** Serves a request that was admitted by the token or the sign-in of a balance. */
export async function serveByBalance(
  request: RoutedRequest,
  admission: Admission,
  pass: PassId,
  services: Services,
): Promise<Served | Refusal> {
  const send: SendAnswer = (response, told, changes) =>
    relay(request, response, true, [...admission.headers, ...told], changes);
  const result = await serveFromBalance(request, { pass, facts: admission.facts }, send, services);
  if (result.kind === 'refusal') {
    request.notes.passUse = passUseOf(result.code);
    return result;
  }
  return result.outcome === 'unpaid'
    ? result
    : { ...result, outcome: result.outcome === 'paid' ? 'pass' : result.outcome };
}

/**
 * Serves a request and charges it to a balance. Its maximum is held before the API is asked. The charge is drawn before
 * the answer, or the end of a stream, goes out, and the rest of the hold is released with it. See {@link Balances} for
 * the states and what a crash does.
 *
 * @returns `paid` where it was charged and sent in full
 * @throws GatewayError of the store, of the request, or of the upstream: nothing is held any more
 */
export async function serveFromBalance(
  request: RoutedRequest,
  { pass, facts }: PayingBalance,
  send: SendAnswer,
  services: Services,
): Promise<Served | Refusal> {
  const call = await balanceCall(request, pass, services);
  if (call.kind === 'refusal') return call;
  const changed = await changedRequest(request, call.reader.request);
  return await withPlace(changed, 'paid', async (placed) => {
    const hold = await takeHold(placed, pass, call, services);
    if ('kind' in hold) return hold;
    const { currency, limit } = call;
    const hooks = hooksOf(placed.price.id, services.runtime().plan.webhooks);
    const terms = { currency, limit, observer: services.observer, hooks };
    try {
      return await serveHeldCall({ request: placed, hold, call, terms, facts, send }, services);
    } finally {
      // Nothing was charged. A hold that has ended stays as it is.
      await hold.release();
    }
  });
}

async function serveHeldCall(held: HeldCall, services: Services): Promise<Served> {
  const { request, hold, call, facts, send } = held;
  const response = await openUpstream(request, request.route, { paid: facts });
  if (request.clientGone.aborted) {
    response.discard();
    return served('client_gone');
  }
  if (!isCharged(request.price.charge, response.status)) {
    const left = (await hold.release()) ?? hold.pass;
    const told = balanceFields(left.quota?.available ?? 0, call.currency, 0);
    return served(endOf(await send(response, told), 'unpaid'));
  }
  checkHead(request, response);
  const reading = readingOf(held, response);
  return reading.kind === 'stream'
    ? await sendStream(held, response, reading, services)
    : await sendWhole(held, response, reading, services);
}

/** If the reader fails, the call costs nothing. */
function readingOf({ call }: HeldCall, response: UpstreamResponse): StreamReading | WholeReading {
  try {
    if (response.broken) throw new GatewayError('upstream_invalid_answer');
    const reading = call.reader.begin(response);
    if (reading.kind === 'stream' || reading.kind === 'whole') return reading;
    throw new Error('a balance is charged by what an answer says');
  } catch (fault) {
    response.discard();
    throw fault;
  }
}

async function sendWhole(
  held: HeldCall,
  response: UpstreamResponse,
  reading: WholeReading,
  services: Services,
): Promise<Served> {
  const { request, hold, terms, send } = held;
  const { maxBytes, larger } = reading;
  const body = await collectAnswer(request, response, { maxBytes, forMs: request.route.timeoutMs }, services);
  if (body === 'client_gone') return served('client_gone');
  if (body instanceof GatewayError) throw body;
  if (body === 'larger') {
    if (larger?.kind === 'stream') return await sendStream(held, response, larger, services);
    response.discard();
    throw new GatewayError('upstream_invalid_answer', { detail: `It is larger than ${maxBytes} bytes.` });
  }
  let drawn: Drawn | undefined;
  try {
    drawn = await drawCharge(request, hold, reading.charge(body), terms);
  } finally {
    if (drawn === undefined) response.discard();
  }
  const told = toldOfDraw(drawn, terms);
  const fields = told?.fields ?? balanceFields((drawn.pass ?? hold.pass).quota?.available ?? 0, terms.currency, 0);
  const outcome = await send(response, fields, replacedBy(drawn.charge.finish?.(told)));
  return served(endOf(outcome, drawn.charge.kind === 'release' ? 'unpaid' : 'paid'));
}

async function sendStream(
  { request, hold, call, terms, send }: HeldCall,
  response: UpstreamResponse,
  reading: StreamReading,
  { after }: Services,
): Promise<Served> {
  const passage = new BalanceStream(request, hold, reading, terms);
  const callOff = after(mostStreamMs(request), () => {
    passage.runOut();
    response.cut(new Error('the answer took longer than a balance is held for'));
  });
  // The least that is left, whatever the call costs: its maximum is held.
  const told = balanceFields(hold.pass.quota?.available ?? 0, call.currency);
  let outcome: RelayOutcome = { kind: 'upstream_broke' };
  try {
    outcome = await send(response, told, { passage, length: reading.adds ? undefined : 'same' });
  } finally {
    callOff();
    await passage.close(outcome);
  }
  return served(endOf(outcome, 'paid'));
}

/** Longest time of a stream: its use beyond the maximum is at the seller's expense, and must end. */
function mostStreamMs({ price, route }: RoutedRequest): number {
  const quoted = Math.max(...price.offers.map(({ maxTimeoutSeconds }) => maxTimeoutSeconds)) * 1000 - SETTLE_MS;
  return Math.max(quoted, route.timeoutMs, route.upstream.totalTimeoutMs ?? 0);
}
