/** Headers of a request by lower-case name; repeated ones are joined with a comma, as Node does it. */
export interface RequestHeaders {
  readonly [name: string]: string | string[] | undefined;
  readonly 'access-control-request-headers'?: string | undefined;
  readonly 'access-control-request-method'?: string | undefined;
  readonly 'content-length'?: string | undefined;
  readonly cookie?: string | undefined;
  readonly expect?: string | undefined;
  readonly forwarded?: string | undefined;
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly 'transfer-encoding'?: string | undefined;
}

/** The head of a request as it arrived, with what the connection shows of its client: a plain value. */
export interface RequestHead {
  /** As sent; upper-case where it is one of the usual ones. */
  readonly method: string;
  /** The request target, as sent. */
  readonly target: string;
  /** Flat list of names and values, as sent. */
  readonly rawHeaders: readonly string[];
  readonly headers: RequestHeaders;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  /** Address of the connection's other end; `undefined` when it is gone. */
  readonly peer: string | undefined;
  /** Whether the request came over TLS that ends here. */
  readonly encrypted: boolean;
}

/** Makes the head of a request that came over HTTP/1.1, from its fields. */
export function requestHead(
  message: Pick<RequestHead, 'method' | 'target'> & Partial<Pick<RequestHead, 'peer' | 'encrypted'>>,
  fields: readonly (readonly [name: string, value: string])[],
): RequestHead {
  const headers = new Map<string, string>();
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    const before = headers.get(lower);
    headers.set(lower, before === undefined ? value : `${before}, ${value}`);
  }
  return {
    method: message.method,
    target: message.target,
    rawHeaders: fields.flat(),
    headers: Object.fromEntries(headers),
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    peer: message.peer,
    encrypted: message.encrypted ?? false,
  };
}

/**
 * Whether the client holds its body back until it is asked for it. Only HTTP/1.1 clients can: an older one would read the
 * interim response as the answer.
 */
export function awaitsContinue({ headers, httpVersionMinor }: RequestHead): boolean {
  return httpVersionMinor > 0 && headers.expect?.toLowerCase() === '100-continue';
}

/** What browsers, and scripts on their behalf, say of a request for a page that nobody has opened yet. */
const PURPOSES = ['sec-purpose', 'purpose', 'x-moz'] as const;

/**
 * Whether a browser asks ahead of its user, who may never open the page (speculation rules, links that are prefetched). It
 * uses the answer only if its status is 2xx, and asks again otherwise.
 */
export function isPrefetch({ headers }: Pick<RequestHead, 'headers'>): boolean {
  return PURPOSES.some((name) => headers[name]?.toString().toLowerCase().startsWith('prefetch') === true);
}
