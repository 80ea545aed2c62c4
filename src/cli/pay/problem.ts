import { isJsonObject } from '../../domain/payment.ts';
import type { Json, JsonObject } from '../../domain/x402.ts';

/** What a server says about its own error, as RFC 9457 has it. Its words: to be made printable. */
export interface ServerProblem {
  readonly title: string;
  readonly detail: string | undefined;
  /** Why a payment was refused: our own errors say so in a reason string. */
  readonly error: string | undefined;
  /** Our own errors have a public code. */
  readonly code: string | undefined;
}

/** A longer one is no short word about an error. */
const MAX_BYTES = 16_384;

/**
 * What a server says to people about a refusal, beside the reason that machines compare: the `detail` of a problem
 * document, or of the body of an x402 v1 402. Its words: to be made printable. Leaves the response's own body to be read.
 */
export async function readDetail(response: Response): Promise<string | undefined> {
  const body = await readBody(response, /^application\/(?:problem\+)?json\b/i);
  const detail = body?.['detail'];
  return typeof detail === 'string' ? detail : undefined;
}

/** Reads a problem document, and leaves the response's own body to be read; `undefined` where there is none. */
export async function readProblem(response: Response): Promise<ServerProblem | undefined> {
  const body = await readBody(response, /^application\/problem\+json\b/i);
  if (body === undefined) return undefined;
  const { title, detail, error, code } = body;
  if (typeof title !== 'string') return undefined;
  return {
    title,
    detail: typeof detail === 'string' ? detail : undefined,
    error: typeof error === 'string' ? error : undefined,
    code: typeof code === 'string' ? code : undefined,
  };
}

/** A small body of a type, as an object. */
async function readBody(response: Response, type: RegExp): Promise<JsonObject | undefined> {
  const { headers } = response;
  if (!type.test(headers.get('content-type') ?? '')) return undefined;
  if (!(Number(headers.get('content-length') ?? Number.NaN) <= MAX_BYTES)) return undefined;
  try {
    const body: Json = JSON.parse(await response.clone().text());
    return isJsonObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}
