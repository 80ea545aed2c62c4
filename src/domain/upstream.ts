/** An API that traffic is forwarded to: one server, or several that answer alike. */
export interface Upstream {
  /** At least one, but with `authz`, where nothing is forwarded. Each request goes to one of them. */
  readonly servers: readonly UpstreamServer[];
  /** Headers set on every forwarded request, such as an API key. Lower-case names. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** How long a connection may take to open, TLS included, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long until response headers, in milliseconds, where the route does not say. */
  readonly timeoutMs: number;
  /** Longest silence inside a response's body, in milliseconds; `undefined` lets it be silent for as long as it likes. */
  readonly idleTimeoutMs: number | undefined;
  /** Longest time for request and response together, in milliseconds; `undefined` for no bound. */
  readonly totalTimeoutMs: number | undefined;
  /** Most connections held open to each server. */
  readonly connections: number;
  /** How many of the connections to each server unpaid calls leave free; fewer than `connections`. */
  readonly paidConnections: number;
  readonly tls: UpstreamTls | undefined;
}

/** Where one server of an upstream is. */
export interface UpstreamServer {
  /** `http://host:port` or `https://host:port`, without path; `http://localhost` for a unix socket. */
  readonly origin: string;
  /** Absolute path of the unix socket that it listens on; absent for a server that listens on a port. */
  readonly socketPath?: string;
  /** Path prefix put before every forwarded path: `''`, or `/base` without a trailing slash. */
  readonly basePath: string;
}

/** The name of a server in health, logs and text for people: its origin, or `unix:/path`. */
export function serverName({ origin, socketPath }: UpstreamServer): string {
  return socketPath === undefined ? origin : `unix:${socketPath}`;
}

/** A server as the configuration spells it: its name, and the path that is put before every other. */
export function serverText(server: UpstreamServer): string {
  return serverName(server) + server.basePath;
}

/** How an `https` upstream is verified, and how the gateway identifies itself. Verification cannot be switched off. */
export interface UpstreamTls {
  /** PEM certificates to trust instead of the system's. */
  readonly ca: string | undefined;
  /** Name to expect in the certificate and to send as SNI, when it is not the host of the URL. */
  readonly serverName: string | undefined;
  /** What the gateway shows to a server that asks for a certificate. */
  readonly identity: ClientIdentity | undefined;
}

/** A client certificate with its key. The key belongs to the certificate. */
export interface ClientIdentity {
  /** PEM, with the intermediate certificates after the first. */
  readonly cert: string;
  /** PEM private key, unencrypted. */
  readonly key: string;
}
