import type { Dispatcher, Pool as UndiciPool } from 'undici';
import connect from 'undici/lib/api/api-connect.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';
import { attemptsWithin } from './attempts.ts';

/** How long a connection may take, in milliseconds; undici checks it about twice a second. */
const CONNECT_MS = 10_000;

/** How connections are kept. */
export type ConnectionOptions = Pick<
  UndiciPool.Options,
  'connections' | 'keepAliveTimeout' | 'keepAliveMaxTimeout' | 'maxHeaderSize'
>;

/** Opens connections on demand: through a proxy where there is one, see {@link openTunnels}. */
export function openDispatcher(proxy: string | undefined, options: ConnectionOptions = {}): Dispatcher {
  return proxy === undefined ? openConnections(options) : openTunnels(proxy, options);
}

/** Opens connections straight to hosts, for `fetch` too. */
export function openConnections(options: ConnectionOptions = {}): InstanceType<typeof Agent> {
  return new Agent({ ...options, connect: attemptsWithin(CONNECT_MS) });
}

/**
 * Opens connections through a proxy, for `fetch` too.
 *
 * Each connection has a tunnel (`CONNECT`), whatever its protocol: a request is written only after the tunnel is open,
 * so that without a tunnel nothing was sent.
 *
 * @param proxy with its credentials
 */
export function openTunnels(proxy: string, options: ConnectionOptions = {}): InstanceType<typeof ProxyAgent> {
  const proxyTls = attemptsWithin(CONNECT_MS);
  return new ProxyAgent({
    ...options,
    uri: proxy,
    proxyTls,
    clientFactory: (origin, terms) => new TunnelPool(origin, terms),
  });
}

/** Connections to a proxy. The package's entry point gives every dispatcher this method, its parts have none. */
class TunnelPool extends Pool {
  override readonly connect = connect;
}
