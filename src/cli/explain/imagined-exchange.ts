import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { HeaderField } from '../request-options.ts';

/** A request that nobody sends. */
export interface ImaginedRequest {
  /** Upper-case. */
  readonly method: string;
  /** Path and query, as on the request line. */
  readonly target: string;
  /** Value of the Host header. */
  readonly host: string;
  /** The other headers. */
  readonly headers: readonly HeaderField[];
  /** Length of the body, `undefined` for none. */
  readonly bodyBytes: number | undefined;
}

/** A request as the server would hand it over, on a connection that leads nowhere. */
export function imagineExchange(imagined: ImaginedRequest): {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
} {
  const fields: HeaderField[] = [['Host', imagined.host], ...imagined.headers];
  if (imagined.bodyBytes !== undefined && !fields.some(([name]) => name.toLowerCase() === 'content-length')) {
    fields.push(['Content-Length', String(imagined.bodyBytes)]);
  }
  const req = new IncomingMessage(new Socket());
  req.method = imagined.method;
  req.url = imagined.target;
  req.httpVersionMajor = 1;
  req.httpVersionMinor = 1;
  req.rawHeaders = fields.flat();
  req.headers = joined(fields);
  return { req, res: new ServerResponse(req) };
}

/** Headers by lower-case name, repeated ones joined as Node joins them. */
function joined(fields: readonly HeaderField[]): Record<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    const before = headers.get(lower);
    headers.set(lower, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(headers);
}
