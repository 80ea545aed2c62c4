import { GatewayError } from '../domain/gateway-error.ts';
import type { RequestHead } from '../domain/request-head.ts';
import type { Runtime } from '../pipeline/runtime.ts';
import { canonical, OWN_PREFIX } from '../proxy/headers/names.ts';
import type { QuestionForm } from './question-form.ts';

/** Fields of the question alone: the body of the request, if it has one, stays with the proxy. */
const OF_QUESTION: readonly string[] = ['content-length', 'transfer-encoding', 'expect'];

/** The fields with that prefix that clients send. */
const OF_CLIENTS: ReadonlySet<string> = new Set(['x402-access-token', 'x402-answer']);

/**
 * The head of the request that a proxy asks about. It has no body.
 *
 * @throws GatewayError `request_malformed` for a question of anybody else, or one that does not name exactly one request,
 *   or whose client says what the API believes of the gateway alone
 */
export function describedRequest(
  question: RequestHead,
  { fields, replaced }: QuestionForm,
  { trustedPeers }: Pick<Runtime, 'trustedPeers'>,
): RequestHead {
  if (!trustedPeers.has(question.peer)) {
    throw new GatewayError('request_malformed', { detail: 'Only a proxy that the gateway trusts may ask here.' });
  }
  refuseForged(question, replaced);
  const method = fields === undefined ? question.method : theOne(question, fields.method);
  const target = fields === undefined ? question.target : theOne(question, fields.target);
  const dropped = new Set(fields === undefined ? OF_QUESTION : [...OF_QUESTION, fields.method, fields.target]);
  return {
    ...question,
    method,
    target,
    rawHeaders: question.rawHeaders.filter((_text, index, raw) => !dropped.has(nameAt(raw, index - (index % 2)))),
    headers: Object.fromEntries(Object.entries(question.headers).filter(([name]) => !dropped.has(name))),
  };
}

/**
 * A proxy that forwards the request itself leaves the fields that it is told nothing of, such as twins like `X402.Payer`,
 * which many APIs read as one variable with `X402-Payer`, and fields that come later.
 *
 * @param replaced the one field that it takes from the answer in any case
 */
function refuseForged({ headers }: RequestHead, replaced: string | undefined): void {
  for (const name of Object.keys(headers)) {
    if (canonical(name).startsWith(OWN_PREFIX) && !OF_CLIENTS.has(name) && name !== replaced)
      throw new GatewayError('request_malformed', { detail: `No client may send ${name}.` });
  }
}

function nameAt(raw: readonly string[], index: number): string {
  return raw[index]?.toLowerCase() ?? '';
}

/** A second one may be the client's: then nobody can say which one the proxy means. */
function theOne({ rawHeaders }: RequestHead, name: string): string {
  const values = rawHeaders.filter((_text, index, raw) => index % 2 === 1 && nameAt(raw, index - 1) === name);
  const [value] = values;
  if (value !== undefined && value !== '' && values.length === 1) return value;
  throw new GatewayError('request_malformed', { detail: `The question needs exactly one ${name}.` });
}
