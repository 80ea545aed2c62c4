import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';

/** What a server says about its own error, as RFC 9457 has it. Its words: to be made printable. */
export interface ServerProblem {
  readonly title: string;
  readonly detail: string | undefined;
  /** Our own errors have a public code. */
  readonly code: string | undefined;
}

/** A longer one is no short word about an error. */
const MAX_BYTES = 16_384;

/** Reads a problem document, and leaves the response's own body to be read; `undefined` where there is none. */
export async function readProblem(response: Response): Promise<ServerProblem | undefined> {
  const { headers } = response;
  if (!/^application\/problem\+json\b/i.test(headers.get('content-type') ?? '')) return undefined;
  if (!(Number(headers.get('content-length') ?? Number.NaN) <= MAX_BYTES)) return undefined;
  let body: Json;
  try {
    body = JSON.parse(await response.clone().text());
  } catch {
    return undefined;
  }
  if (!isJsonObject(body)) return undefined;
  const { title, detail, code } = body;
  if (typeof title !== 'string') return undefined;
  return {
    title,
    detail: typeof detail === 'string' ? detail : undefined,
    code: typeof code === 'string' ? code : undefined,
  };
}
