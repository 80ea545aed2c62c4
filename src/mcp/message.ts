import { readBody } from '../content/body-facts.ts';
import type { JsonFacts, JsonValue } from '../content/json-reader.ts';
import { pointerTree } from '../content/pointer-tree.ts';
import { isRecord, parseExactly } from '../domain/exact-json.ts';
import type { McpTarget } from '../domain/mcp-terms.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { sortedMembers } from './sorted-members.ts';

/** The id of a JSON-RPC request. */
export type RpcId = string | number;

/** A call that may cost something. */
export interface McpCall {
  readonly id: RpcId;
  readonly target: McpTarget;
  /** Name of the tool or prompt, URI of the resource. */
  readonly name: string;
  /** Its arguments; `undefined` where they are no object. */
  readonly arguments: JsonObject | undefined;
  /** The client's payments, by their members of `_meta`. */
  readonly payments: JsonObject;
  /** Extensions of MCP that the client announces with this call. */
  readonly extensions: readonly string[];
  /** Whether its client asks for progress. */
  readonly wantsProgress: boolean;
  /** The version of MCP that it states, as those without a handshake do. */
  readonly version: string | undefined;
  /** The purchase, in one spelling. A payment is bound to it; a repetition may have another id and progress token. */
  readonly canonical: Buffer;
  /** The body for the server: without the payment, and under an id that only the gateway knows. */
  forwardedAs(id: string): Buffer;
}

/** The beginning of the methods that ask for the results of calls later. */
const TASKS = 'tasks/';

/** The beginning of the ids under which priced calls go to the server. */
const PAID_ID = 'turnpike-paid-';

/**
 * A fresh id for a priced call. The server answers under this id only. So an unpaid result is recognised on every
 * stream: a resumed one, after a restart, through another replica.
 *
 * @param unguessable a random text
 */
export function paidId(unguessable: string): string {
  return PAID_ID + unguessable;
}

/** Whether an id is one of a priced call. */
export function isPaidId(id: Json | undefined): id is string {
  return typeof id === 'string' && id.startsWith(PAID_ID);
}

/** Whether a method reports a task: the result of a call, which may be unpaid. */
export function isTaskNews(method: Json | undefined): boolean {
  return typeof method === 'string' && method.startsWith(`notifications/${TASKS.slice(0, -1)}`);
}

/** A text without any of these holds neither the id of a priced call nor news of a task. */
export const WITHHELD_MARKS: readonly string[] = [PAID_ID, TASKS.slice(0, -1)];

/** A message of a client, as far as its price depends on it. */
export type McpMessage =
  /** It buys nothing. `id` is that of a request; notifications and answers have none. */
  | {
      readonly kind: 'free';
      readonly method: string | undefined;
      readonly id: RpcId | undefined;
      /** The id of the call that it cancels, and the same message about another one. */
      readonly cancels?: { readonly call: RpcId; calledAs(id: string): Buffer };
    }
  | { readonly kind: 'call'; readonly call: McpCall }
  /** It is not forwarded. `code` is JSON-RPC's. */
  | { readonly kind: 'refused'; readonly id: RpcId | undefined; readonly code: number; readonly wrong: string };

/** Methods that buy something, and where they name it. */
const TARGETS: Readonly<Record<string, readonly [target: McpTarget, name: string]>> = {
  'tools/call': ['tool', '/params/name'],
  'prompts/get': ['prompt', '/params/name'],
  'resources/read': ['resource', '/params/uri'],
};

const ASKED = pointerTree(['/id', '/method', '/params/name', '/params/uri', '/params/task', '/params/requestId']);
const CANCELLED = 'notifications/cancelled';
const INVALID_REQUEST = -32600;
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;

/**
 * Reads a message of an MCP client. A message that two readers could take for different calls is refused.
 *
 * @param payments members of `params._meta` that are for payments: servers do not see them
 * @throws GatewayError `body_ambiguous`
 */
export function readMessage(bytes: Buffer, rawHeaders: readonly string[], payments: readonly string[]): McpMessage {
  const { calls, isBatch } = readBody(bytes, rawHeaders, ASKED, true);
  const [facts] = calls;
  if (isBatch || facts === undefined)
    return refused(undefined, INVALID_REQUEST, 'Batches are not taken: send each call by itself.');
  const id = idOf(facts.get('/id'));
  const method = textOf(facts.get('/method'));
  const target = method === undefined ? undefined : TARGETS[method];
  // A server lists the tasks that it made of calls, and gives their results to every caller, paid or not.
  if (method?.startsWith(TASKS) === true) return refused(id, METHOD_NOT_FOUND, 'Calls are not run as tasks here.');
  if (method === CANCELLED) return cancelling(bytes, { call: idOf(facts.get('/params/requestId')), id, payments });
  if (target === undefined) return { kind: 'free', method, id };
  return readCall(bytes, { facts, id, target, payments });
}

/** The parts of a message that cancels a call. */
interface Cancelling {
  readonly call: RpcId | undefined;
  readonly id: RpcId | undefined;
  readonly payments: readonly string[];
}

function cancelling(bytes: Buffer, { call, id, payments }: Cancelling): McpMessage {
  const free = { kind: 'free', method: CANCELLED, id } as const;
  if (call === undefined) return free;
  const calledAs = (requestId: string): Buffer => {
    const { params, ...others } = takePayments(parseExactly(bytes.toString('utf8')), payments).stripped;
    return Buffer.from(
      JSON.stringify({ ...others, params: { ...(isRecord(params) ? params : {}), requestId } }),
      'utf8',
    );
  };
  return { ...free, cancels: { call, calledAs } };
}

/** What was read of a call before its price is asked for. */
interface CallFacts {
  readonly facts: JsonFacts;
  readonly id: RpcId | undefined;
  readonly target: readonly [target: McpTarget, name: string];
  readonly payments: readonly string[];
}

function readCall(bytes: Buffer, { facts, id, target: [target, pointer], payments }: CallFacts): McpMessage {
  // Without an id it is a notification: the server would do the work, and no answer could state the price.
  if (id === undefined) return refused(undefined, INVALID_REQUEST, 'A call needs an id: a text or a whole number.');
  const name = textOf(facts.get(pointer));
  if (name === undefined) return refused(id, INVALID_PARAMS, `${pointer.slice(1).replace('/', '.')} is not a text.`);
  // Its result comes by another call, which would not be paid for.
  if (facts.has('/params/task')) return refused(id, INVALID_PARAMS, 'A priced call cannot be run as a task.');
  if (isPaidId(id)) return refused(undefined, INVALID_REQUEST, 'This id is taken.');
  // `readBody` has read the text strictly, so that this parser reads the same.
  const message = parseExactly(bytes.toString('utf8'));
  const { taken, stripped } = takePayments(message, payments);
  const forwardedAs = (as: string): Buffer => Buffer.from(JSON.stringify({ ...stripped, id: as }), 'utf8');
  return {
    kind: 'call',
    call: {
      id,
      target,
      name,
      arguments: argumentsOf(stripped),
      payments: taken,
      extensions: extensionsIn(message),
      wantsProgress: metaIn(message)['progressToken'] !== undefined,
      version: versionIn(message),
      canonical: canonicalOf(stripped),
      forwardedAs,
    },
  };
}

function refused(id: RpcId | undefined, code: number, wrong: string): McpMessage {
  return { kind: 'refused', id, code, wrong };
}

/** A call without arguments has an empty object of them. */
function argumentsOf({ params }: JsonObject): JsonObject | undefined {
  const given = isRecord(params) ? (params['arguments'] ?? {}) : undefined;
  return isRecord(given) ? given : undefined;
}

/** Method and parameters without `_meta`, which does not affect the purchase; members in the order of their names. */
function canonicalOf({ method, params }: JsonObject): Buffer {
  const { _meta, ...bought } = isRecord(params) ? params : {};
  return Buffer.from(JSON.stringify(sortedMembers({ method: method ?? null, params: bought })), 'utf8');
}

function metaIn(message: Json): JsonObject {
  const params = isRecord(message) ? message['params'] : undefined;
  const meta = isRecord(params) ? params['_meta'] : undefined;
  return isRecord(meta) ? meta : {};
}

/** The version that a message states: those since 2026-07-28 have no handshake. */
export function versionIn(message: Json): string | undefined {
  const version = metaIn(message)['io.modelcontextprotocol/protocolVersion'];
  return typeof version === 'string' ? version : undefined;
}

/** Since MCP 2026-07-28 each request states the client's capabilities. */
function extensionsIn(message: Json): readonly string[] {
  const able = metaIn(message)['io.modelcontextprotocol/clientCapabilities'];
  const extensions = isRecord(able) ? able['extensions'] : undefined;
  return isRecord(extensions) ? Object.keys(extensions) : [];
}

function takePayments(
  message: Json,
  members: readonly string[],
): { readonly taken: JsonObject; readonly stripped: JsonObject } {
  if (!isRecord(message)) throw new Error('a call that is no object');
  const { params } = message;
  const meta = isRecord(params) ? params['_meta'] : undefined;
  if (!isRecord(params) || !isRecord(meta)) return { taken: {}, stripped: message };
  const [taken, rest] = split(meta, members);
  if (Object.keys(taken).length === 0) return { taken, stripped: message };
  const { _meta, ...others } = params;
  const kept: JsonObject = Object.keys(rest).length === 0 ? others : { ...params, _meta: rest };
  return { taken, stripped: { ...message, params: kept } };
}

/**
 * A message that costs nothing, without the payment in it: every holder of a payment can take its money. `undefined`
 * where it has none.
 *
 * @param bytes a message that {@link readMessage} accepted
 */
export function withoutPayments(bytes: Buffer, members: readonly string[]): Buffer | undefined {
  // A name can be written with escapes, too.
  if (!bytes.includes('"_meta"') && !bytes.includes('\\')) return undefined;
  const message = parseExactly(bytes.toString('utf8'));
  if (!isRecord(message)) return undefined;
  const { taken, stripped } = takePayments(message, members);
  return Object.keys(taken).length === 0 ? undefined : Buffer.from(JSON.stringify(stripped), 'utf8');
}

/** The members of these names, and the others. */
function split(object: JsonObject, names: readonly string[]): readonly [JsonObject, JsonObject] {
  const entries = Object.entries(object);
  const isNamed = ([name]: readonly [string, Json]): boolean => names.includes(name);
  return [Object.fromEntries(entries.filter(isNamed)), Object.fromEntries(entries.filter((entry) => !isNamed(entry)))];
}

function idOf(value: JsonValue | undefined): RpcId | undefined {
  if (value?.kind === 'text') return value.text;
  if (value?.kind !== 'number') return undefined;
  const number = Number(value.text);
  return Number.isSafeInteger(number) ? number : undefined;
}

function textOf(value: JsonValue | undefined): string | undefined {
  return value?.kind === 'text' ? value.text : undefined;
}
