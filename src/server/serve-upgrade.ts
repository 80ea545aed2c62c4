import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { isCharged } from '../domain/charge-rule.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import { transactionOf } from '../domain/receipt.ts';
import { ServerResponse } from '../engine/node-http.ts';
import type { StageFacts, TraceContext } from '../observe/tracer.ts';
import { faultAnswer } from '../pipeline/answer.ts';
import { buysBalance } from '../pipeline/balance/buy-balance.ts';
import { charge } from '../pipeline/charge.ts';
import { type ClaimedPayment, claimDelivery } from '../pipeline/claim.ts';
import type { AcceptedRequest, RoutedRequest } from '../pipeline/exchange.ts';
import {
  type Destination,
  endOf,
  forwardedHeaders,
  forwardedPath,
  paidFacts,
  publicPlaceOf,
} from '../pipeline/forward.ts';
import { issuePass } from '../pipeline/issue-pass.ts';
import { readerFor } from '../pipeline/reader-for.ts';
import { noticeHeaders } from '../pipeline/refusal.ts';
import { relayPreflight } from '../pipeline/relay-preflight.ts';
import { takePlace, withPlace } from '../pipeline/reserve.ts';
import type { Services } from '../pipeline/runtime.ts';
import { serve } from '../pipeline/serve.ts';
import { deliveredNotice } from '../pipeline/settlement-notice.ts';
import {
  type Admission,
  type AuthorizedPayment,
  type CollectablePayment,
  type Refusal,
  type Served,
  type SettlementNotice,
  served,
} from '../pipeline/stages.ts';
import { traced } from '../pipeline/traced.ts';
import type { Transport } from '../pipeline/transport.ts';
import { claimThen } from '../pipeline/with-claim.ts';
import { receivedRequest } from '../proxy/client.ts';
import type { ClientDeparture } from '../proxy/client-departure.ts';
import type { UpgradeOutcome } from '../proxy/forward-upgrade.ts';
import type { PaidFacts } from '../proxy/headers/to-upstream.ts';
import { linger } from '../proxy/linger.ts';

/**
 * Serves a request to switch to WebSocket: the same stages as {@link serve}, with a tunnel at the end. A priced WebSocket
 * is paid at the upgrade, before the upstream hears of it.
 */
export function serveUpgrade(
  req: IncomingMessage,
  socket: Socket,
  head: Buffer,
  services: Services,
): { readonly served: Promise<void>; readonly departure: ClientDeparture } {
  socket.on('error', () => socket.destroy());
  const res = new ServerResponse(req);
  res.assignSocket(socket);
  res.shouldKeepAlive = false;
  res.once('finish', () => {
    socket.end();
    // A client that keeps its half of the connection open must not keep ours.
    linger(socket);
  });
  const received = receivedRequest(req, res);
  const served = serve(received, services, new TunnelTransport({ req, res, socket, head }));
  return { served, departure: received.client.departure };
}

const SAID_BY_ANSWER = 'What this route costs is said by an answer.';

/** A tunnel that is not free: paid for now, or opened by a pass. */
interface OpenedTunnel {
  readonly facts: PaidFacts;
  /** The gateway's own headers, in an answer with that status. */
  readonly add: (status: number) => readonly (readonly [string, string])[];
  readonly onUpgraded: () => void;
}

/** A request to switch protocols, on its connection. */
interface UpgradeRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly socket: Socket;
  /** The bytes after the request's head. */
  readonly head: Buffer;
}

class TunnelTransport implements Transport {
  readonly opensTunnel = true;
  readonly servePreflight = relayPreflight;
  readonly #upgrade: UpgradeRequest;

  constructor(upgrade: UpgradeRequest) {
    this.#upgrade = upgrade;
  }

  async serveFree(request: AcceptedRequest, destination: Destination, priced = false): Promise<Served> {
    return served(endOf(await this.#tunnel(request, destination, undefined, priced), 'free'));
  }

  async servePaid(
    request: RoutedRequest,
    authorized: AuthorizedPayment,
    services: Services,
  ): Promise<Served | Refusal> {
    if (request.clientGone.aborted) return served('client_gone');
    const { protocol, payment } = authorized;
    const { offer } = payment;
    if (buysBalance(request.price, offer) || readerFor(request, { protocol, offer }, services) !== undefined) {
      throw new GatewayError('upgrade_unsupported', { detail: SAID_BY_ANSWER });
    }
    return await withPlace(request, 'tunnel', async (placed) => {
      const goOn = async (claimed: ClaimedPayment): Promise<Served | Refusal> => {
        const charged = await charge(placed, claimed, authorized, services);
        return charged.kind === 'refusal' ? charged : await this.#deliver(placed, claimed, charged.notice);
      };
      return await claimThen(placed, authorized, 'before', services, goOn, this);
    });
  }

  async collect(request: RoutedRequest, collectable: CollectablePayment, services: Services): Promise<Served> {
    return await withPlace(request, 'tunnel', async (placed) => {
      const { protocol, offer } = collectable;
      const pass = await issuePass(placed, collectable.record, offer, services);
      const claimed = await claimDelivery(collectable, services);
      const notice = deliveredNotice(placed, { record: claimed.record, offer, protocol, pass });
      return await this.#deliver(placed, claimed, notice);
    });
  }

  async serveAdmitted(request: RoutedRequest, admission: Admission): Promise<Served> {
    const { facts, headers, outcome: by, giveBack, balance } = admission;
    if (balance !== undefined) throw new GatewayError('upgrade_unsupported', { detail: SAID_BY_ANSWER });
    let upgraded = false;
    const onUpgraded = (): void => {
      upgraded = true;
    };
    const outcome = await this.#tunnel(request, request.route, { facts, add: () => headers, onUpgraded }).catch(
      (fault) => {
        // No tunnel was started.
        giveBack();
        throw fault;
      },
    );
    // A client that left before the upstream's answer has used the request, as over plain HTTP.
    const answered = outcome.status !== undefined && outcome.status < 500;
    if (!upgraded && !answered && outcome.kind !== 'client_gone') giveBack();
    return served(upgraded ? by : endOf(outcome, by));
  }

  async #deliver(request: RoutedRequest, claimed: ClaimedPayment, notice: SettlementNotice): Promise<Served> {
    let opened: Promise<void> | undefined;
    const onUpgraded = (): void => {
      // The connection is what was paid for: it is delivered when it opens, however long it lasts.
      opened = claimed.move({ to: 'delivered' });
      opened.catch(() => {}); // awaited below, when the connection is over
    };
    request.notes.transaction = transactionOf(notice.receipt);
    const facts = paidFacts(claimed.record);
    const outcome = await this.#tunnel(request, request.route, {
      facts,
      add: (status) => noticeHeaders(notice, status),
      onUpgraded,
    });
    const answered = outcome.kind === 'complete' && isCharged(request.price.charge, outcome.status ?? 0);
    const arrived = opened !== undefined || answered;
    if (opened !== undefined) await opened;
    // An upgrade is a GET: asking for it again is safe.
    else await claimed.move({ to: arrived ? 'delivered' : 'undelivered', reason: outcome.kind });
    return served(arrived ? 'paid' : endOf(outcome, 'failed'));
  }

  /** @throws GatewayError `too_many_upstream_calls`, before anything else is done */
  async #tunnel(
    request: AcceptedRequest,
    destination: Destination,
    opened: OpenedTunnel | undefined,
    priced = true,
  ): Promise<UpgradeOutcome> {
    const { req, res, socket, head } = this.#upgrade;
    const { client, runtime, price } = request;
    const place = request.place ?? takePlace(request, destination.upstream, 'tunnel');
    const add = opened?.add ?? (() => []);
    // From here on the socket belongs to the tunnel; it comes back only for an answer of our own.
    res.detachSocket(socket);
    const upgrade = (trace: TraceContext | undefined): Promise<UpgradeOutcome> =>
      runtime.upgradeProxy(destination.upstream).upgrade(req, socket, head, {
        path: forwardedPath(request, destination),
        headers: forwardedHeaders(request, destination.upstream, opened?.facts, trace),
        timeoutMs: destination.timeoutMs,
        fields: request.runtime.fields,
        place: publicPlaceOf(request, destination),
        paid: priced,
        passes: price?.access !== undefined,
        add,
        ...(opened === undefined ? {} : { onUpgraded: opened.onUpgraded }),
        refuse: (fault: GatewayError) => {
          res.assignSocket(socket);
          client.answer(faultAnswer(request, fault, add));
        },
      });
    try {
      const facts = ({ kind, status }: UpgradeOutcome): StageFacts => ({ outcome: kind, status });
      const outcome = await traced(request.notes.trace, 'tunnel', upgrade, facts);
      // For the log: the answer was not written by `res`.
      if (outcome.status !== undefined) res.statusCode = outcome.status;
      return outcome;
    } finally {
      place.release();
    }
  }
}
