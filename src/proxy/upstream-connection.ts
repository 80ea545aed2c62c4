import { buildConnector, Pool } from 'undici';
import type { Upstream } from '../domain/upstream.ts';
import { Exchange } from './exchange.ts';
import { withLateEnd } from './late-end.ts';
import type { ForwardRequest, UpstreamResponse } from './upstream-response.ts';

export type { ForwardRequest, RelayOutcome, UpstreamResponse } from './upstream-response.ts';

/** Longest head of an upstream's response, in bytes. APIs with many cookies pass Node's 16 KiB. */
const MAX_RESPONSE_HEAD_BYTES = 64 * 1024;
/** Longest wait for a connection, in milliseconds, where the upstream's own timeout is longer. */
const MAX_CONNECT_MS = 10_000;

/** The connections to one upstream. */
export interface UpstreamClient {
  /**
   * Sends a request and resolves at the final response headers, with the body held back: nothing of it is read beyond
   * what the connection's own buffers hold, for as long as the caller likes.
   *
   * Rejects with a `GatewayError` `upstream_unreachable`, `upstream_timeout`, `upstream_invalid_answer` or
   * `shutting_down` (`mayHaveReachedUpstream` says whether the upstream can have seen it), or with `ClientGoneError`.
   * Nothing is ever sent twice.
   */
  open(request: ForwardRequest): Promise<UpstreamResponse>;
  /** Waits for requests under way, then closes the connections. Requests after it are refused. */
  close(): Promise<void>;
}

/**
 * Opens the connection pool of an upstream. No connection is made before the first request.
 *
 * The upstream's certificate is always verified. Redirects are relayed, bodies are never decoded.
 */
export function openUpstreamClient(upstream: Upstream): UpstreamClient {
  const pool = new Pool(upstream.origin, {
    connections: upstream.connections,
    // One request at a time on a connection: an answer can never be taken for another request's.
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_RESPONSE_HEAD_BYTES,
    connect: withLateEnd(connector(upstream)),
  });
  return {
    open: (request) => new Exchange(request).start(pool),
    close: () => pool.close(),
  };
}

function connector(upstream: Upstream): buildConnector.connector {
  const timeout = Math.min(upstream.timeoutMs, MAX_CONNECT_MS);
  const ca = upstream.tls?.ca;
  const serverName = upstream.tls?.serverName;
  const connect = buildConnector({ allowH2: false, timeout, ...(ca === undefined ? {} : { ca }) });
  if (serverName === undefined) return connect;
  // undici derives the name from a configured Host header; the configured server name goes first.
  return (options, callback) => connect({ ...options, servername: serverName }, callback);
}
