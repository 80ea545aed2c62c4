import type { AnswerReader, Charge, RequestChange, StreamReading, WholeReading } from '../domain/answer-reader.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Passage } from '../proxy/passage.ts';
import type { RelayOutcome, UpstreamResponse } from '../proxy/upstream-connection.ts';
import { unchargedHeaders } from './answer-later.ts';
import { BodyDigest } from './body-digest.ts';
import { charge } from './charge.ts';
import { chargeEvent, usageFact } from './charge-facts.ts';
import type { ClaimedPayment } from './claim.ts';
import type { CreditLeave } from './credit-gates.ts';
import { cutInTime } from './cut-in-time.ts';
import { keepRead } from './deliver.ts';
import type { RoutedRequest } from './exchange.ts';
import { type Changes, endOf, relay } from './forward.ts';
import { longestReplaceable } from './limits/body-room.ts';
import { orRelease, readWhole, type Waiting } from './read-answer.ts';
import { toldOf } from './refusal.ts';
import type { Services } from './runtime.ts';
import { takeCredit } from './serve-deferred.ts';
import { serveHeld } from './serve-held.ts';
import { TOO_MANY_UNPAID } from './serve-paid.ts';
import { type AuthorizedPayment, type Refusal, type Served, type SettlementNotice, served } from './stages.ts';
import { asked, StreamCharge } from './stream-charge.ts';
import { chargeHolding, openUnpaid } from './unpaid-answer.ts';
import { AT_ONCE, type Ends, withClaim } from './with-claim.ts';

/** Longest stream, in bytes, that is read whole because its buyer owes too much for credit. */
const MOST_HELD_BYTES = 1024 * 1024;

/** A payment, and the reader that charges its answer. */
interface ReadPayment {
  readonly authorized: AuthorizedPayment;
  readonly reader: AnswerReader;
  /** How an answer ends that is charged whole or unread. Default: it is the answer to this request. */
  readonly ends?: Ends;
}

/**
 * Serves a request whose answer says what it costs; {@link AnswerReader} lists the states and what a crash does. A
 * whole answer waits until it is paid. A stream goes out on credit, within the bounds of `deferred`; above them it is
 * read whole if it is short enough, else refused.
 */
export async function serveByAnswer(
  request: RoutedRequest,
  { authorized, reader, ends = AT_ONCE }: ReadPayment,
  services: Services,
): Promise<Served | Refusal> {
  const { unpaidCallsPerPayer } = request.runtime.plan.limits;
  const charged = services.limiters.unpaidCalls.begin(authorized.payment, unpaidCallsPerPayer);
  if (charged === undefined) return TOO_MANY_UNPAID;
  try {
    const changed = await changedRequest(request, reader.request);
    const goOn = async (claimed: ClaimedPayment, placed: RoutedRequest): Promise<Served | Refusal> => {
      const digest = new BodyDigest(placed.body);
      const opened = await openUnpaid(placed, claimed, digest);
      if (opened.kind === 'served') return opened;
      const { response } = opened;
      return await serveRead(placed, { claimed, authorized, response, digest, charged, ends }, reader, services);
    };
    return await withClaim(changed, authorized, 'by_answer', services, goOn, ends);
  } finally {
    charged();
  }
}

const NO_BODY = Buffer.alloc(0);

/** Methods whose requests have no body that would say anything. */
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/**
 * The request in the form in which its answer can be read.
 *
 * @throws GatewayError of the body, or of the reader: nothing was claimed
 */
export async function changedRequest(
  request: RoutedRequest,
  change: RequestChange | undefined,
): Promise<RoutedRequest> {
  if (change === undefined) return request;
  const { body, head, runtime } = request;
  if (change.rewrite !== undefined && body !== undefined) {
    if (head.headers['content-encoding'] !== undefined) {
      throw new GatewayError('request_unmetered', { detail: 'The body is compressed.' });
    }
    const replacement = change.rewrite(await body.read(longestReplaceable(runtime.plan.limits.bodiesInMemory)));
    if (replacement !== undefined) body.replaceWith(replacement);
  }
  // Some calls need no body, and must not be sent either.
  if (body === undefined && !READS.has(request.method)) change.rewrite?.(NO_BODY);
  if (change.see !== undefined) await showShort(request, change.see);
  return change.plain ? { ...request, plainAnswer: true, jsonAnswer: change.json === true } : request;
}

async function showShort({ body, head, runtime }: RoutedRequest, see: (body: Buffer) => void): Promise<void> {
  if (body === undefined) return;
  const { pricedBodyBytes } = runtime.plan.limits;
  const isShort = body.held !== undefined || Number(head.headers['content-length']) <= pricedBodyBytes;
  if (isShort) see(body.held ?? (await body.read(pricedBodyBytes)));
}

async function serveRead(
  request: RoutedRequest,
  waiting: Waiting,
  reader: AnswerReader,
  services: Services,
): Promise<Served | Refusal> {
  const { response } = waiting;
  const reading = await orRelease(() => reader.begin(response), waiting);
  if (reading.kind === 'unread') return await chargeUnread(request, waiting, services);
  if (reading.kind === 'stream') return await serveStream(request, waiting, reading, services);
  if (reading.kind === 'held') return await serveHeld(request, waiting, reading, services);
  const body = await readWhole(request, waiting, reading.maxBytes, services);
  if (body === 'client_gone') return served('client_gone');
  if (body !== 'larger') return await chargeWhole(request, waiting, reading, body, services);
  if (reading.larger?.kind === 'unread') return await chargeUnread(request, waiting, services);
  if (reading.larger !== undefined) return await serveStream(request, waiting, reading.larger, services);
  response.discard();
  await waiting.claimed.move({ to: 'released', reason: 'the answer was too large to be charged' });
  throw new GatewayError('upstream_invalid_answer', { detail: `It is larger than ${reading.maxBytes} bytes.` });
}

/** Charges a whole answer, then sends it. */
async function chargeWhole(
  request: RoutedRequest,
  waiting: Waiting,
  reading: Pick<WholeReading, 'charge'>,
  body: Buffer,
  services: Services,
): Promise<Served | Refusal> {
  const { claimed, authorized, response, digest } = waiting;
  const cost = await orRelease(() => reading.charge(body), waiting);
  if (cost.kind === 'release') return await sendUncharged(request, waiting, cost);
  let notice: SettlementNotice | undefined;
  try {
    await keepOrRelease(request, waiting, body, services);
    const amount = asked(cost.amount, authorized);
    const facts = { ...digest.fact, asked: amount, ...usageFact(cost) };
    const result = await charge(request, claimed, authorized, services, facts);
    services.observer.answerCharged(chargeEvent(request, authorized, cost, amount));
    if (result.kind === 'refusal') return result;
    notice = result.notice;
  } finally {
    if (notice === undefined) response.discard();
  }
  waiting.charged();
  const changes = finished(request, response, cost, notice);
  return await waiting.ends.deliver(request, { claimed, response, digest, notice, changes });
}

/** Charges the offer's amount for an answer that is not read, then sends it. */
async function chargeUnread(request: RoutedRequest, waiting: Waiting, services: Services): Promise<Served | Refusal> {
  const result = await chargeHolding(request, waiting, services);
  if (result.kind === 'refusal') return result;
  waiting.charged();
  return await waiting.ends.deliver(request, { ...waiting, notice: result.notice });
}

/** The body that is sent in place of the API's. It is paid for: if the reader fails now, the API's body is sent. */
function finished(
  { notes }: RoutedRequest,
  { status }: UpstreamResponse,
  cost: Charge,
  notice: SettlementNotice,
): Changes | undefined {
  try {
    return replacedBy(cost.finish?.(toldOf(notice, status)));
  } catch (fault) {
    notes.cause = fault;
    return undefined;
  }
}

/**
 * Stores the answer before the money moves. Nothing was asked for yet: an answer that cannot be stored costs nothing.
 */
async function keepOrRelease(
  request: RoutedRequest,
  { claimed, response, digest }: Waiting,
  body: Buffer,
  services: Services,
): Promise<void> {
  try {
    await keepRead(request, claimed, { response, body, digest }, services);
  } catch (fault) {
    await claimed.move({ to: 'released', reason: 'the answer could not be kept' });
    throw fault;
  }
}

/** Sends an answer that is not charged; the payment is released before. */
async function sendUncharged(
  request: RoutedRequest,
  { claimed, response }: Waiting,
  cost: Charge & { readonly kind: 'release' },
): Promise<Served> {
  try {
    await claimed.move({ to: 'released', reason: cost.reason });
  } catch (fault) {
    response.discard();
    throw fault;
  }
  const outcome = await relay(request, response, true, unchargedHeaders(request), replacedBy(cost.finish?.(undefined)));
  return served(endOf(outcome, 'unpaid'));
}

/** Sends other bytes in place of a body that was read whole. */
export function replacedBy(bytes: Uint8Array | undefined): Changes | undefined {
  if (bytes === undefined) return undefined;
  const passage: Passage = { pass: () => [], end: async () => ({ bytes, trailers: [] }) };
  return { passage, length: bytes.length };
}

/** Sends a stream on credit, or reads it whole where credit is refused. */
async function serveStream(
  request: RoutedRequest,
  waiting: Waiting,
  reading: StreamReading,
  services: Services,
): Promise<Served | Refusal> {
  const { claimed, authorized, response } = waiting;
  let credit: CreditLeave | undefined;
  try {
    if (response.broken) throw new GatewayError('upstream_invalid_answer');
    credit = await takeCredit(request, authorized, services);
  } catch (fault) {
    response.discard();
    await claimed.move({ to: 'released', reason: 'the answer was not begun' });
    throw fault;
  }
  if (credit === undefined) return await serveWithoutCredit(request, waiting, reading, services);
  try {
    return await streamOnCredit(request, waiting, { reading, credit }, services);
  } finally {
    services.creditGate.release(credit);
  }
}

async function streamOnCredit(
  request: RoutedRequest,
  waiting: Waiting,
  { reading, credit }: { readonly reading: StreamReading; readonly credit: CreditLeave },
  services: Services,
): Promise<Served> {
  const { claimed, response, digest } = waiting;
  try {
    await claimed.move({ to: 'uncharged', ...digest.fact });
    services.creditGate.written(credit);
  } catch (fault) {
    response.discard();
    throw fault;
  }
  // From here on the call counts as a debt.
  waiting.charged();
  const passage = new StreamCharge(request, waiting, reading, services);
  const changes: Changes = { passage, length: reading.adds ? undefined : 'same' };
  const callOff = cutInTime(waiting, services, () => passage.runOut());
  let outcome: RelayOutcome = { kind: 'upstream_broke' };
  try {
    outcome = await relay(request, response, true, [], changes);
  } finally {
    callOff();
    await passage.close(outcome);
  }
  return served(endOf(outcome, 'paid'));
}

/** A buyer who owes too much gets the stream in one piece, after the payment. */
async function serveWithoutCredit(
  request: RoutedRequest,
  waiting: Waiting,
  reading: StreamReading,
  services: Services,
): Promise<Served | Refusal> {
  const body = await readWhole(request, waiting, MOST_HELD_BYTES, services);
  if (body === 'client_gone') return served('client_gone');
  if (body !== 'larger') return await chargeWhole(request, waiting, inOnePiece(reading), body, services);
  waiting.response.discard();
  await waiting.claimed.move({ to: 'released', reason: 'the buyer owes too much for a stream of this length' });
  return TOO_MANY_UNPAID;
}

function inOnePiece(reading: StreamReading): Pick<WholeReading, 'charge'> {
  return {
    charge(body) {
      const parts = reading.pass(body);
      const charge = reading.end('complete');
      return { ...charge, finish: (told) => Buffer.concat([...parts, charge.finish?.(told) ?? Buffer.alloc(0)]) };
    },
  };
}
