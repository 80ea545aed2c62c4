import { serverName, type Upstream } from '../domain/upstream.ts';
import { CallRoom } from './call-room.ts';
import { Exchange } from './exchange.ts';
import { ServerChoice } from './server-choice.ts';
import type { HealthBook } from './server-health.ts';
import { openServerLine } from './server-line.ts';
import type { ForwardRequest, UpstreamResponse } from './upstream-response.ts';

export type { ForwardRequest, RelayOutcome, UpstreamResponse } from './upstream-response.ts';

/** The connections to the servers of one upstream. */
export interface UpstreamClient {
  /** The room in which a call, or a tunnel, takes its place before it is opened. */
  readonly calls: CallRoom;
  /**
   * Sends a request and resolves at the final response headers, with the body held back: nothing of it is read beyond
   * what the connection's own buffers hold, for as long as the caller likes.
   *
   * Rejects with a `GatewayError` `upstream_unreachable`, `upstream_timeout`, `upstream_invalid_answer` or
   * `shutting_down` (`mayHaveReachedUpstream` says whether the upstream can have seen it), or with `ClientGoneError`. A
   * request for which there was no connection goes to the next server. A request is sent twice only if it is
   * idempotent, has no body, and its kept connection closed in the moment of writing.
   */
  open(request: ForwardRequest): Promise<UpstreamResponse>;
  /** Waits for requests under way, then closes the connections. Requests after it are refused. */
  close(): Promise<void>;
}

/**
 * Opens the connection pools of an upstream, one for each server. No connection is made before the first request.
 *
 * The upstream's certificate is always verified. Redirects are relayed, bodies are never decoded.
 */
export function openUpstreamClient(upstream: Upstream, book: HealthBook): UpstreamClient {
  const lines = upstream.servers.map((server) => openServerLine(upstream, server, book.of(serverName(server))));
  const { idleTimeoutMs, totalTimeoutMs } = upstream;
  const terms = { servers: new ServerChoice(lines), idleTimeoutMs, totalTimeoutMs };
  const { connections, paidConnections } = upstream;
  return {
    calls: new CallRoom({ connections, paidConnections, health: lines.map(({ health }) => health) }),
    open: (request) => new Exchange(request, terms).start(),
    async close() {
      await Promise.all(lines.map((line) => line.close()));
    },
  };
}
