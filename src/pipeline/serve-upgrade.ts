import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { GatewayError } from '../domain/gateway-error.ts';
import type { Route } from '../domain/route.ts';
import { isWebSocketUpgrade } from '../proxy/upgrade.ts';
import type { RelayOutcome } from '../proxy/upstream-connection.ts';
import { type AnswerContext, answerFault } from './answer.ts';
import type { AuthorizedPayment, CollectablePayment } from './authorize.ts';
import { charge } from './charge.ts';
import { type ClaimedPayment, claimDelivery, claimPayment } from './claim.ts';
import type { AcceptedRequest, RoutedRequest } from './exchange.ts';
import { type Destination, forwardedHeaders, forwardedPath, paidFacts } from './forward.ts';
import { settleResponseOf } from './held-payment.ts';
import type { Refusal, SettlementNotice } from './refusal.ts';
import type { Services } from './runtime.ts';
import { serve, type Transport } from './serve.ts';
import type { Served } from './serve-paid.ts';

/**
 * Serves a request to switch protocols: the same line as {@link serve}, with a tunnel at its end. A priced WebSocket is
 * paid at the upgrade, before the upstream hears of it.
 *
 * Upgrades other than WebSocket are ignored, as RFC 9110 §7.8 allows: the request is served as if it had not asked.
 */
export async function serveUpgrade(
  req: IncomingMessage,
  socket: Socket,
  head: Buffer,
  services: Services,
): Promise<void> {
  socket.on('error', () => socket.destroy());
  const res = new ServerResponse(req);
  res.assignSocket(socket);
  res.shouldKeepAlive = false;
  res.once('finish', () => socket.end());
  await serve(req, res, services, isWebSocketUpgrade(req) ? new TunnelTransport(socket, head) : undefined);
}

class TunnelTransport implements Transport {
  readonly #socket: Socket;
  readonly #head: Buffer;

  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    this.#head = head;
  }

  async serveFree(request: AcceptedRequest, destination: Destination): Promise<void> {
    const outcome = await this.#tunnel(request, destination, undefined, undefined);
    request.notes.outcome = outcome.kind === 'complete' ? 'free' : 'client_gone';
  }

  async servePaid(
    request: RoutedRequest,
    authorized: AuthorizedPayment,
    services: Services,
  ): Promise<Served | Refusal> {
    if (request.clientGone.aborted) return { kind: 'served' };
    const claimed = await claimPayment(request, authorized, 'settling', services);
    if (claimed.kind === 'refusal') return claimed;
    if (claimed.kind === 'collectable') return await this.collect(request, claimed, services);
    const charged = await charge(claimed, authorized);
    return charged.kind === 'refusal' ? charged : await this.#deliver(request, request.route, claimed, charged.notice);
  }

  async collect(request: RoutedRequest, collectable: CollectablePayment, services: Services): Promise<Served> {
    const { protocol, offer } = collectable;
    const claimed = await claimDelivery(collectable, services.ledger);
    const response = settleResponseOf(claimed.record);
    if (response === undefined) throw new Error('an undelivered payment without its settlement');
    return await this.#deliver(request, request.route, claimed, { protocol, offer, response });
  }

  async #deliver(
    request: RoutedRequest,
    route: Route,
    claimed: ClaimedPayment,
    notice: SettlementNotice,
  ): Promise<Served> {
    const outcome = await this.#tunnel(request, route, claimed, notice);
    // An upgrade is a GET: asking for it again is safe.
    const arrived = outcome.kind === 'complete' && (outcome.status ?? 0) < 500;
    await claimed.move({ to: arrived ? 'delivered' : 'undelivered', reason: outcome.kind });
    request.notes.outcome = arrived ? 'paid' : 'failed';
    return { kind: 'served' };
  }

  async #tunnel(
    request: AcceptedRequest,
    destination: Destination,
    claimed: ClaimedPayment | undefined,
    notice: SettlementNotice | undefined,
  ): Promise<RelayOutcome & { readonly status?: number }> {
    const { req, res, runtime } = request;
    const paid = claimed === undefined ? undefined : paidFacts(claimed.record);
    const add: [string, string][] =
      notice === undefined
        ? []
        : [[notice.protocol.responseHeader, notice.protocol.encodeSettlement(notice.response, notice.offer)]];
    request.notes.transaction = notice?.response.transaction;
    // From here on the socket belongs to the tunnel; it comes back only for an answer of our own.
    res.detachSocket(this.#socket);
    return await runtime.upgradeProxy(destination.upstream).upgrade(req, this.#socket, this.#head, {
      path: forwardedPath(request, destination),
      headers: forwardedHeaders(request, destination.upstream, paid),
      timeoutMs: destination.timeoutMs,
      paid: paid !== undefined,
      add,
      refuse: (fault: GatewayError) => {
        res.assignSocket(this.#socket);
        const context: AnswerContext = request;
        answerFault(context, fault, Object.fromEntries(add));
      },
    });
  }
}
