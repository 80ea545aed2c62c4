import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GatewayError } from '../../src/domain/gateway-error.ts';
import type { Upstream } from '../../src/domain/upstream.ts';
import { ClientDeparture } from '../../src/proxy/client-departure.ts';
import { relayResponseHeaders } from '../../src/proxy/headers/to-client.ts';
import { forwardRequestHeaders, type PaidFacts, withLengthOf } from '../../src/proxy/headers/to-upstream.ts';
import { discardBody } from '../../src/proxy/linger.ts';
import { type BodyTerms, requestBodyOf } from '../../src/proxy/received-body.ts';
import type { RequestBody } from '../../src/proxy/request-body.ts';
import { readRequestHead } from '../../src/proxy/request-head.ts';
import { HealthBook } from '../../src/proxy/server-health.ts';
import { openUpstreamClient, type RelayOutcome, type UpstreamResponse } from '../../src/proxy/upstream-connection.ts';
import { ClientGoneError, mayHaveReachedUpstream } from '../../src/proxy/upstream-fault.ts';
import { UNCOUNTED } from './odd-upstream.ts';
import { FIELDS } from './payment-fields.ts';

/** What became of one request. */
export type Forwarded =
  | RelayOutcome
  | { readonly kind: 'discarded' }
  | { readonly kind: 'gone_before_answer' }
  | { readonly kind: 'fault'; readonly code: string; readonly reached: boolean };

/** What a test changes about the gateway. */
export interface BareGatewayOptions {
  readonly timeoutMs?: number;
  readonly health?: HealthBook;
  readonly paid?: PaidFacts;
  readonly add?: readonly (readonly [string, string])[];
  /** Runs before the request is sent. */
  readonly before?: (body: RequestBody | undefined) => Promise<void>;
  /** What request bodies are read under. */
  readonly bodies?: BodyTerms;
  /** Runs while the response is held back; `false` discards it. */
  readonly hold?: (response: UpstreamResponse, req: IncomingMessage) => Promise<boolean>;
}

/** The proxy engine behind a plain HTTP server: everything is forwarded, nothing is priced. */
export interface BareGateway {
  readonly port: number;
  /** What became of the next request that nobody has asked about yet. */
  next(): Promise<Forwarded>;
  close(): Promise<void>;
}

/** Opens a {@link BareGateway} in front of an upstream. */
export async function openBareGateway(upstream: Upstream, options: BareGatewayOptions = {}): Promise<BareGateway> {
  const client = openUpstreamClient(upstream, options.health ?? new HealthBook());
  const done: Forwarded[] = [];
  const asked: ((forwarded: Forwarded) => void)[] = [];
  const server = createServer({ keepAliveTimeout: 60_000 });
  const onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    void forward(req, res).then((forwarded) => {
      const ask = asked.shift();
      if (ask === undefined) done.push(forwarded);
      else ask(forwarded);
    });
  };
  server.on('request', onRequest);
  server.on('checkContinue', onRequest);

  async function forward(req: IncomingMessage, res: ServerResponse): Promise<Forwarded> {
    const departure = new ClientDeparture(res);
    const body = requestBodyOf(readRequestHead(req), req, departure, options.bodies ?? WITHOUT_BOUNDS);
    try {
      await options.before?.(body);
      const response = await client.open({
        method: req.method ?? '',
        path: req.url ?? '',
        headers: withLengthOf(body?.replacement, requestHeaders(req, upstream, options)),
        body,
        place: UNCOUNTED,
        fields: FIELDS,
        hintsTo: options.paid === undefined ? res : undefined,
        timeoutMs: options.timeoutMs ?? 10_000,
        departure,
      });
      if (options.hold !== undefined && !(await options.hold(response, req))) {
        response.discard();
        res.writeHead(402).end();
        return { kind: 'discarded' };
      }
      const headers = relayResponseHeaders(response.rawHeaders, {
        fields: FIELDS,
        method: req.method ?? '',
        status: response.status,
        httpVersionMinor: req.httpVersionMinor,
        paid: options.paid !== undefined,
        add: options.add ?? [],
      });
      res.writeHead(response.status, response.statusText, headers);
      return await response.relay(res);
    } catch (error) {
      discardBody(req, res);
      return refuse(error, res);
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    next() {
      const first = done.shift();
      return first === undefined ? new Promise((resolve) => asked.push(resolve)) : Promise.resolve(first);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await client.close();
    },
  };
}

const WITHOUT_BOUNDS: BodyTerms = { mostBytes: undefined, hold: () => ({ take: () => true, release() {} }) };

function requestHeaders(req: IncomingMessage, upstream: Upstream, options: BareGatewayOptions): string[] {
  return forwardRequestHeaders(req.rawHeaders, {
    fields: FIELDS,
    peer: req.socket.remoteAddress ?? '',
    peerTrusted: false,
    proto: 'http',
    host: req.headers.host ?? '',
    requestId: 'request-1',
    upstreamHeaders: upstream.headers,
    paid: options.paid,
    trace: undefined,
  });
}

function refuse(error: unknown, res: ServerResponse): Forwarded {
  if (error instanceof ClientGoneError) return { kind: 'gone_before_answer' };
  if (!(error instanceof GatewayError)) throw error;
  res.writeHead(error.meaning.status, { connection: 'close' }).end(error.code);
  return { kind: 'fault', code: error.code, reached: mayHaveReachedUpstream(error) };
}
