import { isJsonObject } from '../../domain/payment.ts';
import type { Json, JsonObject } from '../../domain/x402.ts';

/** What a server says about its own error, as RFC 9457 has it. Its words: to be made printable. */
export interface ServerProblem {
  readonly title: string;
  readonly detail: string | undefined;
  /** Our own errors have a public code. */
  readonly code: string | undefined;
}

/** Longest body that is read, in bytes: a longer one is no short text about an error. */
const MAX_BYTES = 16_384;

/** The server's text in an answer that is not the resource; to be made printable. */
export interface ServerWords {
  /** Where the body is a problem document. */
  readonly problem: ServerProblem | undefined;
  /** The `detail` of a problem document, or of the body of an x402 v1 402: what it says to people about a refusal. */
  readonly detail: string | undefined;
  /** The `error` of a body of JSON: why a payment was refused, in x402 v1 and in problem documents of ours. */
  readonly error: string | undefined;
}

/** Reads a small body of JSON, and leaves the response's own body to be read. */
export async function readWords(response: Response): Promise<ServerWords> {
  const type = /^application\/(problem\+)?json\b/i.exec(response.headers.get('content-type') ?? '');
  const body = type === null ? undefined : await readBody(response);
  if (body === undefined) return { problem: undefined, detail: undefined, error: undefined };
  const detail = textOf(body['detail']);
  const title = type?.[1] === undefined ? undefined : textOf(body['title']);
  const error = textOf(body['error']);
  const problem = title === undefined ? undefined : { title, detail, code: textOf(body['code']) };
  return { problem, detail, error };
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A small body, as an object. */
async function readBody(response: Response): Promise<JsonObject | undefined> {
  if (!(Number(response.headers.get('content-length') ?? Number.NaN) <= MAX_BYTES)) return undefined;
  try {
    const body: Json = JSON.parse(await response.clone().text());
    return isJsonObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}
