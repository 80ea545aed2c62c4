import type { Answer } from '../../domain/answer.ts';
import { fieldIn } from '../../domain/flat-fields.ts';
import type { McpBinding } from '../../domain/mcp-terms.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { Json, JsonObject } from '../../domain/x402.ts';
import { readCallAnswer } from '../../mcp/call-answer.ts';
import { isEventStream } from '../../mcp/call-reader.ts';
import type { McpCall } from '../../mcp/message.ts';
import { type HasOutputSchema, refusalAnswer } from '../../mcp/refusal-answer.ts';
import { decodeHeaderJson } from '../../protocol/header-json.ts';

/** Headers of an answer that say something of its body. */
const OF_BODY = new Set(['content-type', 'content-length', 'transfer-encoding']);

/** An answer of the gateway's own to a priced call, as its client reads it. */
export function mcpAnswer(
  answer: Answer,
  call: McpCall,
  binding: McpBinding,
  hasOutputSchema: HasOutputSchema,
): Answer {
  return answer.status < 400 ? keptAnswer(answer, call) : refused(answer, call, binding, hasOutputSchema);
}

function refused(answer: Answer, call: McpCall, binding: McpBinding, hasOutputSchema: HasOutputSchema): Answer {
  const problem = objectIn(typeof answer.body === 'string' ? answer.body : '');
  const required = decoded(fieldIn(answer.headers, 'payment-required'));
  const code = typeof problem['code'] === 'string' ? problem['code'] : 'payment_required';
  const detail = typeof problem['detail'] === 'string' ? problem['detail'] : undefined;
  const refusal = { status: answer.status, code, detail, required };
  return jsonAnswer(refusalAnswer(call, refusal, binding, hasOutputSchema), answer.headers);
}

/** A stored answer is as the server gave it: under an id of then, and without the receipt. */
function keptAnswer(answer: Answer, call: McpCall): Answer {
  const { headers, body } = answer;
  if (body === undefined) return answer;
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
  const read = readCallAnswer(text, isEventStream(headers), { client: call.id, server: undefined });
  if (read === undefined) return answer;
  return withBody(answer, read.write(decoded(fieldIn(headers, 'payment-response'))), undefined);
}

/** A message of JSON-RPC, with status 200 as its transport has it. */
export function jsonAnswer(message: JsonObject, headers: readonly string[], status = 200): Answer {
  const answer: Answer = { status, reason: undefined, headers, body: undefined, encoding: 'utf8', dated: true };
  return withBody(answer, JSON.stringify(message), 'application/json');
}

function withBody(answer: Answer, body: string, contentType: string | undefined): Answer {
  const headers: string[] = [];
  for (let index = 0; index + 1 < answer.headers.length; index += 2) {
    const name = answer.headers[index] ?? '';
    const lower = name.toLowerCase();
    if (OF_BODY.has(lower) && (lower !== 'content-type' || contentType !== undefined)) continue;
    headers.push(name, answer.headers[index + 1] ?? '');
  }
  if (contentType !== undefined) headers.push('Content-Type', contentType);
  headers.push('Content-Length', String(Buffer.byteLength(body)));
  return { ...answer, headers, body, encoding: 'utf8' };
}

/** The object that a field of the gateway's own holds in base64. */
export function decoded(value: string | undefined): JsonObject | undefined {
  if (value === undefined) return undefined;
  const read = decodeHeaderJson(value);
  return read.ok && isJsonObject(read.value) ? read.value : undefined;
}

function objectIn(text: string): JsonObject {
  try {
    const value: Json = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
