import { isRecord, parseExactly } from '../domain/exact-json.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { type StreamEvent, splitEvents, withData } from './event-stream.ts';
import { isPaidId, type RpcId } from './message.ts';

/**
 * How a call ended: it did its work; it failed, with an error or a result that reports one; or its server asks for
 * input first (MCP 2026-07-28, multi round-trip requests), and the client calls again with it.
 */
export type CallEnd = 'done' | 'failed' | 'asks';

/** What a server answered to one call. */
export interface CallAnswer {
  readonly end: CallEnd;
  /**
   * The body with a receipt in the result, and without what a server must not write there. Answers to other calls are
   * left out: they may be results that are not paid for.
   */
  write(receipt: CallReceipt | undefined): string;
}

/** A receipt, and the member of `result._meta` where clients look for it. */
export interface CallReceipt {
  readonly member: string;
  readonly receipt: JsonObject;
}

/** The ids by which an answer is found, and the members that a server must not write into it. */
export interface CallTerms extends CallIds {
  /** Members of `result._meta` that are for receipts. */
  readonly receipts: readonly string[];
}

/** The two ids of a call. */
export interface CallIds {
  /** The client's own. */
  readonly client: RpcId;
  /** The id that the server knows; `undefined` accepts any id that the gateway gave, as in a kept answer. */
  readonly server: string | undefined;
}

/** Reads the answer to one call out of a body; `undefined` where it is not there. */
export function readCallAnswer(body: string, isStream: boolean, terms: CallTerms): CallAnswer | undefined {
  return isStream ? readStream(body, terms) : readSingle(body, terms);
}

function readSingle(body: string, terms: CallTerms): CallAnswer | undefined {
  const message = parsed(body);
  if (!isAnswer(message) || !isFor(message, terms) || isTask(message)) return undefined;
  return {
    end: endOf(message),
    write: (receipt) => JSON.stringify(withReceipt(message, terms, receipt)),
  };
}

function readStream(body: string, terms: CallTerms): CallAnswer | undefined {
  const { events } = splitEvents(body);
  const read = events.map((event) => ({ event, message: event.data === undefined ? undefined : parsed(event.data) }));
  const answer = read.find(({ message }) => isAnswer(message) && isFor(message, terms))?.message;
  if (!isAnswer(answer) || isTask(answer)) return undefined;
  return {
    end: endOf(answer),
    write: (receipt) => {
      const text = JSON.stringify(withReceipt(answer, terms, receipt));
      return read
        .map(({ event, message }) => (message === answer ? withData(event, text) : kept(event, message)))
        .join('');
    },
  };
}

/** An answer to anything else is left out, and so is a second one to this call. */
function kept({ raw, data, isPlain }: StreamEvent, message: Json | undefined): string {
  return isPlain && (data === undefined || !mayBeAnswer(message)) ? raw : '';
}

/** Text that we cannot read may be an answer to another reader. */
function mayBeAnswer(message: Json | undefined): boolean {
  return message === undefined || Array.isArray(message) || isAnswer(message);
}

/** Whether a message is an answer of a server, and no request or notification of it. */
export function isAnswer(message: Json | undefined): message is JsonObject {
  return isRecord(message) && (Object.hasOwn(message, 'result') || Object.hasOwn(message, 'error'));
}

function isFor({ id }: JsonObject, { server }: CallIds): boolean {
  return server === undefined ? isPaidId(id) : id === server;
}

function endOf({ result }: JsonObject): CallEnd {
  if (!isRecord(result) || result['isError'] === true) return 'failed';
  return result['resultType'] === 'input_required' && !delivers(result) ? 'asks' : 'done';
}

/**
 * Whether a server made a task of the call without being asked, as the Tasks extension of MCP lets it. Nobody can fetch
 * its result here, and whoever has its id could elsewhere: it is no answer.
 */
function isTask({ result }: JsonObject): boolean {
  return isRecord(result) && result['resultType'] === 'task' && !delivers(result);
}

/** Members of results that hold what is sold: of tools, resources and prompts. */
const SOLD = ['content', 'structuredContent', 'contents', 'messages'] as const;

/** Whether a result holds something that is sold, whatever its type says: then it is charged like any other. */
function delivers(result: JsonObject): boolean {
  return SOLD.some((member) => {
    const value = result[member] ?? null;
    return Array.isArray(value) ? value.length > 0 : value !== null;
  });
}

function withReceipt(answer: JsonObject, terms: CallTerms, told: CallReceipt | undefined): JsonObject {
  const message = { ...answer, id: terms.client };
  const result = answer['result'];
  if (!isRecord(result)) return message;
  const written = Object.entries(isRecord(result['_meta']) ? result['_meta'] : {});
  const meta: Record<string, Json> = Object.fromEntries(written.filter(([name]) => !terms.receipts.includes(name)));
  if (told !== undefined) meta[told.member] = told.receipt;
  const { _meta, ...others } = result;
  return { ...message, result: Object.keys(meta).length === 0 ? others : { ...result, _meta: meta } };
}

/** `undefined` for what is not JSON. */
export function parsed(text: string): Json | undefined {
  try {
    return parseExactly(text);
  } catch {
    return undefined;
  }
}
