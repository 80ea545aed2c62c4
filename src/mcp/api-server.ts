import type { ApiTool, ToolCatalogue } from '../domain/api-tool.ts';
import { isRecord } from '../domain/exact-json.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { type RpcId, versionIn } from './message.ts';
import { errorAnswer } from './refusal-answer.ts';
import { PRICE_META, type ToldPrice } from './tool-list.ts';

/** Versions of MCP that begin with `initialize`, the latest first. */
const INITIALIZED = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
/** Versions of MCP without a handshake: each request states its version. */
const STATELESS = ['2026-07-28'] as const;
const SUPPORTED: readonly string[] = [...STATELESS, ...INITIALIZED];

const UNSUPPORTED_VERSION = -32022;
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;

/** Most tools in one answer. */
const PAGE = 100;

/** Whether a version is one that the gateway speaks as a server. */
export function speaksVersion(version: string): boolean {
  return SUPPORTED.includes(version);
}

/** What a tool costs, for its entry in the list. */
export type PriceOf = (tool: ApiTool) => ToldPrice | undefined;

/**
 * Answers the requests to the server of tools that call no tool: `initialize`, `server/discover`, `ping` and
 * `tools/list`. Nothing is stored of a client: each request is independent.
 *
 * @param message without duplicate keys where it matters, as `readMessage` makes sure
 */
export function serverAnswer(id: RpcId, message: Json, catalogue: ToolCatalogue, priceOf: PriceOf): JsonObject {
  const { method = null, params = null } = isRecord(message) ? message : {};
  const given: JsonObject = isRecord(params) ? params : {};
  const asked = versionIn(message);
  if (asked !== undefined && !speaksVersion(asked)) {
    return errorAnswer(id, UNSUPPORTED_VERSION, 'This version of MCP is not spoken here.', {
      supported: SUPPORTED,
      requested: asked.slice(0, 100),
    });
  }
  switch (method) {
    case 'initialize':
      return resultAnswer(id, { protocolVersion: negotiated(given['protocolVersion']), ...identity(catalogue) }, asked);
    case 'server/discover':
      return resultAnswer(id, { supportedVersions: SUPPORTED, ...identity(catalogue) }, asked);
    case 'ping':
      return resultAnswer(id, {}, asked);
    case 'tools/list':
      return toolPage(id, { cursor: given['cursor'], version: asked }, catalogue, priceOf);
    default:
      return errorAnswer(id, METHOD_NOT_FOUND, 'There are tools here, and nothing else.');
  }
}

/**
 * A result as an answer.
 *
 * @param version that the request stated: newer versions have several kinds of results, and each result names its kind;
 *   clients of earlier ones may refuse a member that they do not know
 */
export function resultAnswer(id: RpcId, result: JsonObject, version: string | undefined): JsonObject {
  return { jsonrpc: '2.0', id, result: version === undefined ? result : { resultType: 'complete', ...result } };
}

/** The client's own version, where it is one of ours, else our latest. */
function negotiated(asked: Json | undefined): string {
  return INITIALIZED.find((version) => version === asked) ?? INITIALIZED[0];
}

function identity({ title, version }: ToolCatalogue): JsonObject {
  return {
    capabilities: { tools: {}, extensions: { 'org.x402/payment': {} } },
    serverInfo: { name: title, version },
    instructions:
      'Calls of these tools are paid one by one. _meta["x402/price"] of a tool is its price; a call without a payment answers with it, too.',
  };
}

/** One page of the tools. A cursor is the number of tools before it. */
function toolPage(
  id: RpcId,
  { cursor, version }: { readonly cursor: Json | undefined; readonly version: string | undefined },
  { tools }: ToolCatalogue,
  priceOf: PriceOf,
): JsonObject {
  const from = cursor === undefined || cursor === null ? 0 : pageAt(cursor, tools.length);
  if (from === undefined) return errorAnswer(id, INVALID_PARAMS, 'This cursor is none of ours.');
  const page = tools.slice(from, from + PAGE).map((tool) => listed(tool, priceOf(tool)));
  const next = from + PAGE;
  return resultAnswer(id, { tools: page, ...(next < tools.length ? { nextCursor: String(next) } : {}) }, version);
}

function pageAt(cursor: Json, count: number): number | undefined {
  const at = typeof cursor === 'string' && /^[1-9]\d{0,6}$/.test(cursor) ? Number(cursor) : undefined;
  return at !== undefined && at < count && at % PAGE === 0 ? at : undefined;
}

function listed(
  { name, description, inputSchema, method, arguments: args }: ApiTool,
  price: ToldPrice | undefined,
): JsonObject {
  const onlyReads = method === 'GET' && args.every(({ place }) => place.kind !== 'method');
  return {
    name,
    description: price === undefined ? description : `${description} (costs ${price.text} a call)`,
    inputSchema,
    annotations: { readOnlyHint: onlyReads },
    ...(price === undefined ? {} : { _meta: { [PRICE_META]: { price: price.text, accepts: price.accepts } } }),
  };
}
