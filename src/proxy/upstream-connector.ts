import type { buildConnector } from 'undici';
import makeConnector from 'undici/lib/core/connect.js';
import type { Upstream, UpstreamServer } from '../domain/upstream.ts';
import { attemptsWithin } from '../outgoing/attempts.ts';
import type { ServerHealth } from './server-health.ts';

/** Makes connections to a server of an upstream, for requests and for upgrades. */
export type Connector = buildConnector.connector;

/**
 * Makes the connector of one server: on its unix socket where it has one, with TLS as configured and always verified. A
 * connection may take the upstream's `connectTimeoutMs` (undici checks it about twice a second). A failed connection
 * counts against the server's health.
 */
export function connectorTo(upstream: Upstream, server: UpstreamServer, health: ServerHealth): Connector {
  const { connectTimeoutMs: timeout, tls } = upstream;
  const connect = makeConnector({
    allowH2: false,
    timeout,
    ...attemptsWithin(timeout),
    ...(server.socketPath === undefined ? {} : { socketPath: server.socketPath }),
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...tls?.identity,
  });
  const serverName = tls?.serverName;
  return (options, callback) => {
    // undici derives the name from a configured Host header; the configured server name takes precedence.
    const named = serverName === undefined ? options : { ...options, servername: serverName };
    connect(named, (...result) => {
      if (result[0] !== null) health.failed();
      callback(...result);
    });
  };
}
