/**
 * The parts of undici that a gateway uses, imported one by one. The package's entry point also loads fetch, caches,
 * mocks and WebSockets, which takes twice the memory and time, and replaces the dispatcher of Node's own `fetch`. The
 * package exports all of its files; the version is pinned.
 */

declare module 'undici/lib/dispatcher/agent.js' {
  import type { Agent, Dispatcher } from 'undici';
  import type { Dispatcher as DispatcherOfFetch } from 'undici-types';
  /** Node's own `fetch`, which has types of its own, takes it too. */
  const Direct: new (options: Agent.Options) => Dispatcher & DispatcherOfFetch;
  export default Direct;
}

declare module 'undici/lib/dispatcher/client.js' {
  import { Client } from 'undici';
  export default Client;
}

declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';
  export default Pool;
}

declare module 'undici/lib/dispatcher/proxy-agent.js' {
  import type { Dispatcher, ProxyAgent } from 'undici';
  import type { Dispatcher as DispatcherOfFetch } from 'undici-types';
  /** Node's own `fetch`, which has types of its own, takes it too. */
  const Proxied: new (options: ProxyAgent.Options) => Dispatcher & DispatcherOfFetch;
  export default Proxied;
}

declare module 'undici/lib/core/connect.js' {
  import { buildConnector } from 'undici';
  export default buildConnector;
}

declare module 'undici/lib/core/errors.js' {
  import { errors } from 'undici';
  export default errors;
}

declare module 'undici/lib/api/api-connect.js' {
  import type { Dispatcher } from 'undici';
  /** What the entry point makes a method of every dispatcher. */
  const connect: Dispatcher['connect'];
  export default connect;
}

declare module 'undici/lib/api/api-request.js' {
  import type { Dispatcher } from 'undici';
  /** What the entry point makes a method of every dispatcher. */
  export default function request(
    this: Dispatcher,
    options: Dispatcher.RequestOptions,
  ): Promise<Dispatcher.ResponseData>;
}

declare module 'undici/lib/core/symbols.js' {
  /** Keys under which undici keeps its own state on a socket. */
  const symbols: { readonly kParser: symbol; readonly kReset: symbol };
  export default symbols;
}
