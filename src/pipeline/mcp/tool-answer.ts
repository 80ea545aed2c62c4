import type { Answer } from '../../domain/answer.ts';
import type { ApiTool } from '../../domain/api-tool.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { resultAnswer } from '../../mcp/api-server.ts';
import type { McpCall } from '../../mcp/message.ts';
import { errorAnswer } from '../../mcp/refusal-answer.ts';
import { MOST_RESULT_BYTES, toolResult } from '../../mcp/tool-result.ts';
import { receiptsIn } from '../../protocol/mcp-form.ts';
import { parseFieldList } from '../../proxy/field-list.ts';
import type { AnswerForm, Told } from '../answer-form.ts';
import type { AcceptedRequest } from '../exchange.ts';
import { broughtIn } from '../read-payment.ts';
import { jsonAnswer, refusalMessage } from './mcp-answer.ts';
import type { AnswerForms } from './tool-client.ts';

const INTERNAL_ERROR = -32603;

/** Headers that a refusal keeps beside its message. */
const RETRY: ReadonlySet<string> = new Set(['retry-after']);

/** A call, and the request that it stands for. */
export interface ToolCall {
  readonly call: McpCall;
  readonly tool: ApiTool;
  readonly target: string;
}

/** How HTTP answers become messages for the client of a call. */
export interface ToolForms {
  readonly forms: AnswerForms;
  /** Receives what the pipeline refuses, with the price, before it becomes an HTTP answer. */
  readonly form: AnswerForm;
}

/**
 * Prepares the answers to a call. A refusal becomes the message that MCP clients read; a client that pays by an HTTP
 * header gets it as HTTP. A result has the receipt in `_meta`, and in the head where that client looks for it.
 */
export function toolForms(request: AcceptedRequest, { call, tool, target }: ToolCall): ToolForms {
  const { runtime, head, publicOrigin } = request;
  const protocols = runtime.protocols(tool.route);
  const isHttp = broughtIn({ head }, protocols) !== undefined;
  const url = publicOrigin + target;
  const exposed = new Set(parseFieldList(runtime.fields.exposed).map((name) => name.toLowerCase()));
  let refusal: Told | undefined;
  const message = (result: JsonObject, fields: readonly string[]): Answer => {
    const receipts = receiptsIn(protocols, fields, call.payments);
    const _meta = Object.fromEntries(receipts.map(({ member, receipt }) => [member, receipt]));
    const whole = receipts.length === 0 ? result : { ...result, _meta };
    return withFields(jsonAnswer(resultAnswer(call.id, whole, call.version)), fields, exposed);
  };
  const own = (answer: Answer): Answer => {
    if (refusal === undefined) return message(toolResult(bytesOf(answer), url), answer.headers);
    const binding = { binding: 'result', hasOutputSchema: () => false } as const;
    return isHttp ? answer : withFields(jsonAnswer(refusalMessage(call, refusal, binding)), answer.headers, RETRY);
  };
  return {
    forms: {
      maxBytes: MOST_RESULT_BYTES,
      own,
      api: ({ trailers, ...answer }) => message(toolResult(answer, url), [...answer.headers, ...trailers]),
      lost: (why, headers) => lostAnswer(call, why, url, receiptsIn(protocols, headers, call.payments).length > 0),
    },
    form: {
      told(told) {
        refusal = told;
        return undefined;
      },
      kept: (answer) => answer,
    },
  };
}

/** The answer where the result cannot be sent; what is paid for can be collected over HTTP. */
function lostAnswer({ id, version }: McpCall, why: 'larger' | 'broke', url: string, paid: boolean): Answer {
  const again = paid ? ` It is paid for: send the same payment to ${url}, without another charge.` : '';
  if (why === 'broke') {
    const code = 'upstream_invalid_answer';
    return jsonAnswer(errorAnswer(id, INTERNAL_ERROR, `The API broke its answer off.${again}`, { code }));
  }
  const text = `The answer is longer than ${MOST_RESULT_BYTES} bytes, which a message does not hold.${again}`;
  return jsonAnswer(resultAnswer(id, { content: [{ type: 'text', text }], isError: true }, version));
}

function bytesOf({ status, headers, body = '', encoding }: Answer) {
  return { status, headers, body: typeof body === 'string' ? Buffer.from(body, encoding) : Buffer.from(body) };
}

/** Adds the headers that payment clients read, from the answer behind the message. Cookies of the API are left out. */
function withFields(answer: Answer, fields: readonly string[], exposed: ReadonlySet<string>): Answer {
  const headers = [...answer.headers, 'Cache-Control', 'no-store'];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] ?? '';
    const lower = name.toLowerCase();
    if (exposed.has(lower) && lower !== 'x-request-id') headers.push(name, fields[at + 1] ?? '');
  }
  return { ...answer, headers };
}
