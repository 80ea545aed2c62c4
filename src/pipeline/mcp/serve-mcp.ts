import { randomUUID } from 'node:crypto';
import { type McpTerms, mcpPriceOf } from '../../domain/mcp-terms.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { RequestHead } from '../../domain/request-head.ts';
import type { Route } from '../../domain/route.ts';
import type { PaidPrice } from '../../domain/route-price.ts';
import type { Json } from '../../domain/x402.ts';
import { clientId, pricesInTools, withoutPaidResults } from '../../mcp/body-changes.ts';
import { callReader } from '../../mcp/call-reader.ts';
import { type McpCall, paidId, readMessage } from '../../mcp/message.ts';
import { errorAnswer } from '../../mcp/refusal-answer.ts';
import type { ToldPrice } from '../../mcp/tool-list.ts';
import { encodeHeaderJson } from '../../protocol/header-json.ts';
import { bodyOfBytes } from '../../proxy/request-body.ts';
import { ClientGoneError } from '../../proxy/upstream-fault.ts';
import { faultAnswer } from '../answer.ts';
import type { AcceptedRequest, RoutedRequest } from '../exchange.ts';
import { hasPayment } from '../read-payment.ts';
import type { Services } from '../runtime.ts';
import { answered, type Served } from '../stages.ts';
import { decoded, jsonAnswer, mcpAnswer } from './mcp-answer.ts';
import { type AnswerChanges, mcpClient } from './mcp-client.ts';

const NOT_PRICED = -32602;

/** A priced call on its way to be paid: what differs from a request that came over plain HTTP. */
export type McpRequest = Pick<RoutedRequest, 'head' | 'body' | 'client' | 'answerReader'>;

/** What the pipeline does with a message once its price is known. */
export interface McpStages {
  free(request: AcceptedRequest): Promise<Served>;
  paid(request: AcceptedRequest & McpRequest, price: PaidPrice): Promise<Served>;
}

/** A route with the terms by which its messages are sold. */
export interface McpRoute {
  readonly route: Route;
  readonly terms: McpTerms;
}

/**
 * Serves a message to an MCP server (Streamable HTTP). What buys nothing is forwarded as on a free route. A call with a
 * price goes through the same stages as any paid request: its payment is taken out of the message, and its answers go back in
 * the form of MCP. The server gets it under an id that only the gateway knows, so that no stream brings a result which is not
 * paid for: see {@link paidId}.
 *
 * The states of its payment are those of an answer that is read whole before it is charged (`domain/answer-reader.ts`). A
 * payment is bound to the name and the arguments of the call, so that a repetition collects, whatever its id.
 */
export async function serveMcp(
  request: AcceptedRequest,
  { route, terms }: McpRoute,
  services: Services,
  stages: McpStages,
): Promise<Served> {
  if (request.method !== 'POST' || request.body === undefined) return await stages.free(guarded(request));
  const bytes = await request.body.read(request.runtime.plan.limits.pricedBodyBytes);
  const message = readMessage(bytes, request.head.rawHeaders);
  switch (message.kind) {
    case 'refused': {
      const { id, code, wrong } = message;
      // Without an id there is no call that a client could find the answer to.
      return refusedCall(request, jsonAnswer(errorAnswer(id, code, wrong), [], id === undefined ? 400 : 200));
    }
    case 'free':
      return await stages.free(
        message.method === 'tools/list' ? withPrices(request, route, terms, services) : guarded(request),
      );
    case 'call':
      return await serveCall(request, message.call, { route, terms }, services, stages);
  }
}

async function serveCall(
  request: AcceptedRequest,
  call: McpCall,
  { route, terms }: McpRoute,
  services: Services,
  stages: McpStages,
): Promise<Served> {
  const price = mcpPriceOf(terms, call.target, call.name);
  if (price === 'refuse') {
    const wrong = `${call.target} ${JSON.stringify(call.name.slice(0, 200))} is not for sale here`;
    return refusedCall(
      request,
      jsonAnswer(errorAnswer(call.id, NOT_PRICED, wrong, { code: 'request_not_priced' }), []),
    );
  }
  if (price.kind === 'free') return await stages.free(guarded(request));
  const isHttp = terms.binding === 'http' || hasPayment(request.head.headers, services.protocols);
  const seen = services.outputSchemas;
  const changes: AnswerChanges = {
    ofBody: (isStream) => clientId(isStream, ids),
    ofAnswer: (answer) =>
      isHttp && answer.status >= 400
        ? answer
        : mcpAnswer(answer, call, terms.binding, (tool) => seen.has(`${route.name}\n${tool}`)),
  };
  const ids = { client: call.id, server: paidId(randomUUID()) };
  const asked: AcceptedRequest & McpRequest = {
    ...request,
    head: isHttp ? request.head : withPayment(request.head, call.payment),
    plainAnswer: true,
    body: bodyFor(call, ids.server),
    client: mcpClient(request.client, changes),
    answerReader: (offer) =>
      callReader({
        ids,
        amount: offer.amount,
        receiptOf: (fields) => decoded(fields.find(([name]) => name.toLowerCase() === 'payment-response')?.[1]),
      }),
  };
  try {
    const result = await stages.paid(asked, price);
    return result.answer === undefined ? result : { ...result, answer: changes.ofAnswer(result.answer) };
  } catch (fault) {
    if (fault instanceof ClientGoneError || request.clientGone.aborted) throw fault;
    return answered('failed', changes.ofAnswer(faultAnswer(request, fault)));
  }
}

/** What a payment is bound to is held; what the server gets goes out in its place. */
function bodyFor(call: McpCall, id: string): AcceptedRequest['body'] {
  const body = bodyOfBytes(call.canonical);
  body.replaceWith(call.forwardedAs(id));
  return body;
}

function refusedCall(request: AcceptedRequest, answer: ReturnType<typeof jsonAnswer>): Served {
  request.notes.code = 'request_not_priced';
  return answered('refused', answer);
}

/** A request whose answers are looked through for results that nobody has paid for. */
function guarded(request: AcceptedRequest): AcceptedRequest {
  const changes: AnswerChanges = {
    ofBody: (isStream) => (isStream ? withoutPaidResults() : undefined),
    ofAnswer: (answer) => answer,
  };
  return { ...request, plainAnswer: true, client: mcpClient(request.client, changes) };
}

function withPrices(request: AcceptedRequest, route: Route, terms: McpTerms, services: Services): AcceptedRequest {
  const changes: AnswerChanges = {
    ofBody: (isStream) =>
      pricesInTools(isStream, {
        priceOf: (tool) => toldPrice(terms, tool),
        inDescription: terms.describes,
        seen: (tool, hasOutputSchema) => services.outputSchemas.note(`${route.name}\n${tool}`, hasOutputSchema),
      }),
    ofAnswer: (answer) => answer,
  };
  return { ...request, plainAnswer: true, client: mcpClient(request.client, changes) };
}

function toldPrice(terms: McpTerms, tool: string): ToldPrice | undefined {
  const price = mcpPriceOf(terms, 'tool', tool);
  if (price === 'refuse' || price.kind === 'free') return undefined;
  const accepts = price.offers.map(({ requirements }) => ({ ...requirements }));
  return { text: price.text, accepts };
}

/** The payment of a message, where the protocols look for one. */
function withPayment(head: RequestHead, payment: Json | undefined): RequestHead {
  if (payment === undefined) return head;
  const version = isJsonObject(payment) ? payment['x402Version'] : undefined;
  // Some clients send the text of the header.
  const text = typeof payment === 'string' ? payment : encodeHeaderJson(payment);
  const name = String(JSON.stringify(version)) === '1' ? 'x-payment' : 'payment-signature';
  return { ...head, headers: { ...head.headers, [name]: text } };
}
