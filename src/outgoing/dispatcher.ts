import type { Dispatcher, Pool as UndiciPool } from 'undici';
import connect from 'undici/lib/api/api-connect.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';

/** How connections are kept. */
export type ConnectionOptions = Pick<
  UndiciPool.Options,
  'connections' | 'keepAliveTimeout' | 'keepAliveMaxTimeout' | 'maxHeaderSize'
>;

/** Opens connections on demand: through a proxy where there is one, see {@link openTunnels}. */
export function openDispatcher(proxy: string | undefined, options: ConnectionOptions = {}): Dispatcher {
  return proxy === undefined ? new Agent(options) : openTunnels(proxy, options);
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
  return new ProxyAgent({ ...options, uri: proxy, clientFactory: (origin, terms) => new TunnelPool(origin, terms) });
}

/** Connections to a proxy. The package's entry point gives every dispatcher this method, its parts have none. */
class TunnelPool extends Pool {
  override readonly connect = connect;
}
