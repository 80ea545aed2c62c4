import { type IncomingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';

/** What to ask a gateway. */
export interface Question {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Called when the answer's head has arrived. */
  readonly onHead?: (status: number) => void;
  /** Closes the connection. */
  readonly signal?: AbortSignal;
}

/** A complete answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** `code` of a problem document; `undefined` for any other body. */
  readonly code: string | undefined;
}

/** Asks on a new connection, which no other request can have broken. Rejects unless the whole answer arrives. */
export async function ask(url: string, { method, headers, body, onHead, signal }: Question): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const options = {
    method,
    agent: false,
    headers: { ...headers, ...length },
    ...(signal === undefined ? {} : { signal }),
  };
  const req = request(url, options, (res) => {
    const status = res.statusCode ?? 0;
    onHead?.(status);
    text(res)
      .then((content) => resolve({ status, headers: res.headers, body: content, code: codeOf(res.headers, content) }))
      .catch(reject);
  });
  req.once('error', reject);
  req.end(body);
  return await promise;
}

function codeOf(headers: IncomingHttpHeaders, body: string): string | undefined {
  if (headers['content-type'] !== 'application/problem+json') return undefined;
  const problem: { readonly code: string } = JSON.parse(body);
  return problem.code;
}
