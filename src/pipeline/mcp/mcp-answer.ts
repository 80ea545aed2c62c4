import type { Answer } from '../../domain/answer.ts';
import type { ChargeTold } from '../../domain/answer-reader.ts';
import type { McpBinding } from '../../domain/mcp-terms.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { type CallReceipt, type CallTerms, readCallAnswer } from '../../mcp/call-answer.ts';
import { isEventStream } from '../../mcp/call-reader.ts';
import type { McpCall } from '../../mcp/message.ts';
import { type HasOutputSchema, refusalAnswer } from '../../mcp/refusal-answer.ts';
import type { McpPrice } from '../../protocol/mcp-form.ts';
import type { Protocol } from '../../protocol/protocol.ts';
import type { AnswerForm, Told } from '../answer-form.ts';
import { wholeReceipt } from '../refusal.ts';
import type { SettlementNotice } from '../stages.ts';

/** The parts of the gateway's own answers to a priced call. */
export interface CallForm {
  readonly call: McpCall;
  readonly terms: CallTerms;
  /** Whether the client reads refusals as plain HTTP now: it does not once a head has gone out. */
  readonly isHttp: () => boolean;
  readonly binding: McpBinding;
  readonly hasOutputSchema: HasOutputSchema;
}

/** The form of the gateway's own answers to a priced call: messages of JSON-RPC. */
export function callForm({ call, terms, isHttp, binding, hasOutputSchema }: CallForm): AnswerForm {
  return {
    told(told) {
      if (isHttp()) return undefined;
      const text = JSON.stringify(refusalMessage(call, told, { binding, hasOutputSchema }));
      return { status: 200, contentType: 'application/json', text };
    },
    kept: (answer, notice) => keptAnswer(answer, { call, terms }, notice),
  };
}

/** A refusal or a fault as a message of JSON-RPC. */
export function refusalMessage(
  call: McpCall,
  told: Told,
  { binding, hasOutputSchema }: Pick<CallForm, 'binding' | 'hasOutputSchema'>,
): JsonObject {
  const refusal = { ...told, prices: told.prices.map((price) => statedPrice(price, told)) };
  return refusalAnswer(call, refusal, binding, hasOutputSchema);
}

function statedPrice({ form, price }: McpPrice, { code }: Told) {
  const { place, extension, meta, beside } = form;
  return { price, place, extension, meta, beside, errorCode: form.code(code) };
}

/** The receipt of a charge for a client of MCP. */
export function callReceipt(
  { mcp }: Protocol,
  { receipt }: Pick<ChargeTold, 'receipt'>,
  { payments }: Pick<McpCall, 'payments'>,
): CallReceipt | undefined {
  const said = receipt && mcp?.receiptOf(receipt, payments[mcp.payment]);
  return mcp && said && { member: mcp.receipt, receipt: said };
}

/**
 * Adds the receipt to a stored answer, and the id of this call: it was stored as the server gave it, with an earlier
 * id.
 */
function keptAnswer(
  answer: Answer,
  { call, terms }: Pick<CallForm, 'call' | 'terms'>,
  notice: SettlementNotice | undefined,
): Answer {
  const { headers, body } = answer;
  if (body === undefined) return answer;
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
  const read = readCallAnswer(text, isEventStream(headers), { ...terms, server: undefined });
  if (read === undefined) return answer;
  const receipt = notice && wholeReceipt(notice, answer.status);
  return withBody(answer, read.write(notice && receipt && callReceipt(notice.protocol, { receipt }, call)));
}

/** A message of JSON-RPC, with status 200 as its transport has it. */
export function jsonAnswer(message: JsonObject, status = 200): Answer {
  const headers = ['Content-Type', 'application/json'];
  return withBody(
    { status, reason: undefined, headers, body: undefined, encoding: 'utf8', dated: true },
    JSON.stringify(message),
  );
}

const LENGTHS = new Set(['content-length', 'transfer-encoding']);

function withBody(answer: Answer, body: string): Answer {
  const headers: string[] = [];
  for (let index = 0; index + 1 < answer.headers.length; index += 2) {
    const name = answer.headers[index] ?? '';
    if (!LENGTHS.has(name.toLowerCase())) headers.push(name, answer.headers[index + 1] ?? '');
  }
  headers.push('Content-Length', String(Buffer.byteLength(body)));
  return { ...answer, headers, body, encoding: 'utf8' };
}
