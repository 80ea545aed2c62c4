import { type RequestHead, requestHead } from '../../domain/request-head.ts';

/** A header, as a client sends it. */
export type HeaderField = readonly [name: string, value: string];

/** A request that is not sent. */
export interface ImaginedRequest {
  /** Upper-case. */
  readonly method: string;
  /** Path and query, as on the request line. */
  readonly target: string;
  /** Value of the Host header. */
  readonly host: string;
  /** The other headers. */
  readonly headers: readonly HeaderField[];
  /** `undefined` for none. */
  readonly body: Buffer | undefined;
}

/** The head of an imagined request, from a client without an address. */
export function headOf({ method, target, host, headers, body }: ImaginedRequest): RequestHead {
  const fields: HeaderField[] = [['Host', host], ...headers];
  if (body !== undefined && !fields.some(([name]) => name.toLowerCase() === 'content-length')) {
    fields.push(['Content-Length', String(body.length)]);
  }
  return requestHead({ method, target }, fields);
}
