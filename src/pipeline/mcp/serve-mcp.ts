import { randomUUID } from 'node:crypto';
import type { Answer } from '../../domain/answer.ts';
import { type McpTerms, mcpPriceOf } from '../../domain/mcp-terms.ts';
import type { Route } from '../../domain/route.ts';
import type { PaidPrice } from '../../domain/route-price.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { clientId, pricesInTools, withoutPaidResults } from '../../mcp/body-changes.ts';
import type { CallTerms } from '../../mcp/call-answer.ts';
import { priceOfCall } from '../../mcp/call-price.ts';
import { callReader } from '../../mcp/call-reader.ts';
import { type McpCall, type McpMessage, paidId, type RpcId, readMessage, withoutPayments } from '../../mcp/message.ts';
import { errorAnswer } from '../../mcp/refusal-answer.ts';
import type { ToldPrice } from '../../mcp/tool-list.ts';
import { mcpMembers } from '../../protocol/mcp-form.ts';
import { bodyOfBytes } from '../../proxy/kept-body.ts';
import { ClientGoneError } from '../../proxy/upstream-fault.ts';
import { faultAnswer } from '../answer.ts';
import { CallDeparture } from '../call-departure.ts';
import { crossOriginHeaders } from '../cross-origin.ts';
import type { AcceptedRequest, AskingRequest, RoutedRequest } from '../exchange.ts';
import { broughtIn } from '../read-payment.ts';
import type { Services } from '../runtime.ts';
import { answered, type Served } from '../stages.ts';
import { callForm, callReceipt, jsonAnswer } from './mcp-answer.ts';
import { type ChangeOf, mcpClient } from './mcp-client.ts';

const NOT_PRICED = -32602;
/** The code of the Language Server Protocol; MCP defines none. */
const CALL_CANCELLED = -32800;

/** A priced call on its way to be paid, as far as it differs from a request over plain HTTP. */
export type McpRequest = Pick<RoutedRequest, 'body' | 'client' | 'clientGone' | 'answerReader' | 'payments' | 'form'>;

/** The next stages for a message whose price is known. */
export interface McpStages {
  free(request: AcceptedRequest): Promise<Served>;
  paid(request: AcceptedRequest & McpRequest, price: PaidPrice): Promise<Served>;
}

/** A route and its terms for messages. */
export interface McpRoute {
  readonly route: Route;
  readonly terms: McpTerms;
}

/**
 * Serves a message to an MCP server (Streamable HTTP). A message that buys nothing is forwarded as on a free route. A
 * call with a price goes through the same stages as any paid request: its payment is taken out of the message, and its
 * answers are messages of MCP. The server gets the call under an id that only the gateway knows, so that no stream can
 * bring its result unpaid: see {@link paidId}.
 *
 * The states of its payment are those of an answer that is read whole before it is charged (`domain/answer-reader.ts`).
 * A payment is bound to the name and the arguments of the call, so that a repetition collects the answer under any id.
 */
export async function serveMcp(
  request: AcceptedRequest,
  { route, terms }: McpRoute,
  services: Services,
  stages: McpStages,
): Promise<Served> {
  const bytes = await messageOf(request);
  if (bytes === undefined) return await stages.free(guarded(request, undefined));
  const { payments } = mcpMembers(request.runtime.protocols(route));
  const message = readMessage(bytes, request.head.rawHeaders, payments);
  switch (message.kind) {
    case 'refused': {
      const { id, code, wrong } = message;
      // Without an id the client could not match an answer to its call.
      return refusedCall(request, errorAnswer(id, code, wrong), id === undefined ? 400 : 200);
    }
    case 'free':
      stripPayments(request, bytes, payments);
      if (message.cancels !== undefined) cancelCall(request, message.cancels, route, services);
      return await stages.free(
        message.method === 'tools/list'
          ? withPrices(request, { id: message.id, route, terms }, services)
          : guarded(request, message.id),
      );
    case 'call':
      return await serveCall(request, { call: message.call, bytes }, { route, terms }, services, stages);
  }
}

/**
 * Reads the message of a request of any method: a server that does not check the method would also carry out a call
 * that came by another method than POST.
 */
export async function messageOf({
  method,
  body,
  runtime,
}: Pick<AskingRequest, 'method' | 'body' | 'runtime'>): Promise<Buffer | undefined> {
  const bytes = await body?.read(runtime.plan.limits.pricedBodyBytes);
  return bytes === undefined || (bytes.length === 0 && method !== 'POST') ? undefined : bytes;
}

/** Takes payments out of a message that costs nothing, so that the server cannot use them. */
function stripPayments({ body }: AcceptedRequest, bytes: Buffer, members: readonly string[]): void {
  const stripped = withoutPayments(bytes, members);
  if (stripped !== undefined) body?.replaceWith(stripped);
}

async function serveCall(
  request: AcceptedRequest,
  { call, bytes }: { readonly call: McpCall; readonly bytes: Buffer },
  { route, terms }: McpRoute,
  services: Services,
  stages: McpStages,
): Promise<Served> {
  const price = priceOfCall(terms, call);
  if (price === 'refuse') {
    const wrong = `${call.target} ${JSON.stringify(call.name.slice(0, 200))} is not for sale here`;
    return refusedCall(request, errorAnswer(call.id, NOT_PRICED, wrong, { code: 'request_not_priced' }));
  }
  if (price.kind === 'free') {
    stripPayments(request, bytes, Object.keys(call.payments));
    return await stages.free(guarded(request, call.id));
  }
  const server = paidId(randomUUID());
  const departure = new CallDeparture(request.clientGone);
  const asked = pricedCall({ ...request, clientGone: departure }, { call, server, price }, { route, terms }, services);
  const session = sessionOf(request, route);
  const open = { server, cancel: () => departure.cancel() };
  const over = session === undefined ? undefined : services.mcp.openCalls.add(session, call.id, open);
  try {
    const result = await stages.paid(asked, price);
    return departure.cancelled && result.outcome === 'client_gone' ? cancelledCall(request, call) : result;
  } catch (fault) {
    if (departure.cancelled) return cancelledCall(request, call);
    if (fault instanceof ClientGoneError || request.clientGone.aborted) throw fault;
    return answered('failed', faultAnswer(asked, fault));
  } finally {
    over?.();
  }
}

/** The answer to a client that has cancelled a call and still waits for it. */
function cancelledCall(request: AcceptedRequest, { id }: McpCall): Served {
  return answered('client_gone', ownAnswer(request, errorAnswer(id, CALL_CANCELLED, 'The call was cancelled.')));
}

/** Ends a priced call that its client cancels, and tells the server by the id that the server knows. */
function cancelCall(
  request: AcceptedRequest,
  { call, calledAs }: NonNullable<Extract<McpMessage, { kind: 'free' }>['cancels']>,
  route: Route,
  { mcp }: Services,
): void {
  const session = sessionOf(request, route);
  const open = session === undefined ? undefined : mcp.openCalls.of(session, call);
  if (open === undefined) return;
  request.body?.replaceWith(calledAs(open.server));
  open.cancel();
}

/** The calls that a client can cancel: those of its session. Without sessions, none. */
function sessionOf({ head }: AcceptedRequest, route: Route): string | undefined {
  const session = head.headers['mcp-session-id'];
  return typeof session === 'string' && session !== '' ? `${route.name}\n${session}` : undefined;
}

/** A priced call as a request of the pipeline: its payment is in the message, its answers are messages. */
function pricedCall(
  request: AcceptedRequest,
  { call, server, price }: { readonly call: McpCall; readonly server: string; readonly price: PaidPrice },
  { route, terms: { binding } }: McpRoute,
  { mcp }: Services,
): AcceptedRequest & McpRequest {
  const protocols = request.runtime.protocols(route);
  const terms: CallTerms = { client: call.id, server, receipts: mcpMembers(protocols).receipts };
  const isHttp = binding === 'http' || broughtIn({ head: request.head }, protocols) !== undefined;
  const hasOutputSchema = (tool: string): boolean => mcp.outputSchemas.has(`${route.name}\n${tool}`);
  return {
    ...request,
    payments: call.payments,
    plainAnswer: true,
    body: bodyFor(call, server),
    client: mcpClient(request.client, (form) => clientId(form, terms)),
    form: callForm({
      call,
      terms,
      isHttp: () => isHttp && request.notes.headAt === undefined,
      binding,
      hasOutputSchema,
    }),
    answerReader: ({ offer: { amount }, protocol }) =>
      callReader({
        terms,
        amount,
        headWaits: price.access !== undefined || (isHttp && !call.wantsProgress),
        receiptOf: (told) => callReceipt(protocol, told, call),
      }),
  };
}

/** The original body is held, since the payment is bound to it; the server gets the changed one. */
function bodyFor(call: McpCall, id: string): AcceptedRequest['body'] {
  const body = bodyOfBytes(call.canonical);
  body.replaceWith(call.forwardedAs(id));
  return body;
}

function refusedCall(request: AcceptedRequest, message: JsonObject, status = 200): Served {
  request.notes.code = 'request_not_priced';
  return answered('refused', ownAnswer(request, message, status));
}

/** A message of the gateway itself: as any other of its answers a page can read it, and nobody stores it. */
function ownAnswer({ head, runtime, requestId }: AcceptedRequest, message: JsonObject, status = 200): Answer {
  const answer = jsonAnswer(message, status);
  const own = ['Cache-Control', 'no-store', 'X-Request-Id', requestId, ...crossOriginHeaders(head, runtime)];
  return { ...answer, headers: [...answer.headers, ...own] };
}

/** A request whose answers are searched for results that are not paid for. */
function guarded(request: AcceptedRequest, id: RpcId | undefined): AcceptedRequest {
  return changed(request, (form) => withoutPaidResults(form, id));
}

function withPrices(
  request: AcceptedRequest,
  { id, route, terms }: McpRoute & { readonly id: RpcId | undefined },
  services: Services,
): AcceptedRequest {
  return changed(request, (form) =>
    pricesInTools(
      form,
      {
        priceOf: (tool) => toldPrice(terms, tool),
        inDescription: terms.describes,
        known: services.mcp.knownTools(terms),
        seen: (tool, hasOutputSchema) => services.mcp.outputSchemas.note(`${route.name}\n${tool}`, hasOutputSchema),
      },
      id,
    ),
  );
}

function changed(request: AcceptedRequest, changeOf: ChangeOf): AcceptedRequest {
  return { ...request, plainAnswer: true, client: mcpClient(request.client, changeOf) };
}

function toldPrice(terms: McpTerms, tool: string): ToldPrice | undefined {
  const price = mcpPriceOf(terms, 'tool', tool);
  if (price === 'refuse' || price.kind === 'free') return undefined;
  const accepts = price.offers.map(({ requirements }) => ({ ...requirements }));
  return { text: price.text, accepts };
}
