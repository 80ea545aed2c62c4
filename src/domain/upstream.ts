/** An API that traffic is forwarded to. */
export interface Upstream {
  /** `http://host:port` or `https://host:port`, without path. */
  readonly origin: string;
  /** Path prefix put before every forwarded path: `''`, or `/base` without a trailing slash. */
  readonly basePath: string;
  /** Headers set on every forwarded request, such as an API key. Lower-case names. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** How long until response headers, in milliseconds, where the route does not say. */
  readonly timeoutMs: number;
  /** Most connections held open to this upstream. */
  readonly connections: number;
  readonly tls: UpstreamTls | undefined;
}

/** How an `https` upstream is verified. Verification cannot be switched off. */
export interface UpstreamTls {
  /** PEM certificates to trust instead of the system's. */
  readonly ca: string | undefined;
  /** Name to expect in the certificate and to send as SNI, when it is not the host of the URL. */
  readonly serverName: string | undefined;
}
