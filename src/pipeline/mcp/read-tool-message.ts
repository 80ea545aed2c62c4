import type { Answer } from '../../domain/answer.ts';
import type { ApiTool, ToolCatalogue } from '../../domain/api-tool.ts';
import { parseExactly } from '../../domain/exact-json.ts';
import { requestHead } from '../../domain/request-head.ts';
import type { Route } from '../../domain/route.ts';
import { dearestOf, paidPrices } from '../../domain/route-price.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { resultAnswer, serverAnswer, speaksVersion } from '../../mcp/api-server.ts';
import { type McpCall, readMessage } from '../../mcp/message.ts';
import { errorAnswer } from '../../mcp/refusal-answer.ts';
import type { ToldPrice } from '../../mcp/tool-list.ts';
import { type ToolRequest, toolRequest } from '../../mcp/tool-request.ts';
import { mcpMembers } from '../../protocol/mcp-form.ts';
import { bodyOfBytes } from '../../proxy/kept-body.ts';
import type { RequestBody } from '../../proxy/request-body.ts';
import type { AcceptedRequest, AskingRequest } from '../exchange.ts';
import type { Runtime } from '../runtime.ts';
import { jsonAnswer } from './mcp-answer.ts';
import { isForeignOrigin, toolFields } from './tool-head.ts';

const INVALID_REQUEST = -32600;
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;

/** The parts of a request that the meaning of its message depends on. */
export type AskingTools = Pick<AskingRequest, 'head' | 'method' | 'body' | 'runtime' | 'host' | 'publicOrigin'>;

/** A message that calls a tool, and the request that it stands for. */
export interface AskedTool {
  readonly kind: 'tool';
  readonly call: McpCall;
  readonly tool: ApiTool;
  readonly written: ToolRequest;
}

/** The meaning of a message: the request of a tool, or an answer from here. */
export type AskedOfTools =
  | AskedTool
  | { readonly kind: 'answer'; readonly outcome: 'discovery' | 'refused'; readonly answer: Answer };

/**
 * Reads a message to the server of tools.
 *
 * @throws GatewayError of the body, and `body_ambiguous`
 */
export async function readToolMessage(request: AskingTools): Promise<AskedOfTools> {
  const { head, method, body, runtime } = request;
  // A page whose host name was pointed at this address could read what is served here (DNS rebinding).
  if (isForeignOrigin(request)) return refused({ status: 403, wrong: 'Pages of other origins are not served.' });
  if (method !== 'POST' || body === undefined)
    return refused({ status: 405, wrong: 'Send messages by POST.', headers: ['Allow', 'POST'] });
  const version = head.headers['mcp-protocol-version'];
  if (typeof version === 'string' && !speaksVersion(version))
    return refused({ status: 400, wrong: 'This version of MCP is not spoken here.' });
  const catalogue = await runtime.tools?.read();
  if (catalogue === undefined) throw new Error('a server of tools that has none');
  const bytes = await body.read(runtime.plan.limits.pricedBodyBytes);
  const message = readMessage(bytes, head.rawHeaders, paymentMembers(catalogue, runtime));
  switch (message.kind) {
    case 'refused':
      return refused({ ...message, status: message.id === undefined ? 400 : 200 });
    case 'free': {
      // A notification, or an answer to a request that the gateway never made.
      if (message.id === undefined || message.method === undefined)
        return { kind: 'answer', outcome: 'discovery', answer: TAKEN };
      const read = parseExactly(bytes.toString('utf8'));
      return told(serverAnswer(message.id, read, catalogue, ({ route }) => toldPrice(route, runtime)));
    }
    case 'call':
      return askedTool(message.call, catalogue);
  }
}

function askedTool(call: McpCall, { tools }: ToolCatalogue): AskedOfTools {
  const { id, target, name } = call;
  if (target !== 'tool')
    return refused({ id, code: METHOD_NOT_FOUND, wrong: 'There are tools here, and nothing else.' });
  const tool = tools.find((each) => each.name === name);
  if (tool === undefined) return refused({ id, code: INVALID_PARAMS, wrong: 'There is no such tool.' });
  if (call.arguments === undefined) return refused({ id, code: INVALID_PARAMS, wrong: 'The arguments are no object.' });
  const result = toolRequest(tool, call.arguments);
  if (result.ok) return { kind: 'tool', call, tool, written: result.request };
  return told(resultAnswer(id, { content: [{ type: 'text', text: result.wrong }], isError: true }, call.version));
}

/** The head of the request behind a call. */
export function toolHead(request: AskingTools, { tool, written }: AskedTool): AcceptedRequest['head'] {
  const { peer, encrypted } = request.head;
  const { method, target, fields, body } = written;
  const length = body === undefined ? [] : [['Content-Length', String(body.length)] as const];
  return requestHead({ method, target, encrypted, ...(peer === undefined ? {} : { peer }) }, [
    ...toolFields(request, tool.route),
    ...fields,
    ...length,
  ]);
}

/** Its body. */
export function toolBody({ body }: ToolRequest): RequestBody | undefined {
  return body && bodyOfBytes(body);
}

function told(message: JsonObject): AskedOfTools {
  return { kind: 'answer', outcome: 'discovery', answer: jsonAnswer(message) };
}

interface Refused {
  readonly wrong: string;
  readonly status?: number;
  readonly headers?: readonly string[];
  readonly code?: number;
  readonly id?: McpCall['id'] | undefined;
}

function refused({ wrong, status = 200, headers = [], code = INVALID_REQUEST, id }: Refused): AskedOfTools {
  const answer = jsonAnswer(errorAnswer(id, code, wrong), status);
  return { kind: 'answer', outcome: 'refused', answer: { ...answer, headers: [...answer.headers, ...headers] } };
}

const TAKEN: Answer = {
  status: 202,
  reason: undefined,
  headers: ['Content-Length', '0'],
  body: undefined,
  encoding: 'latin1',
  dated: true,
};

/** The members of a message that can carry payments, for any tool. */
function paymentMembers({ tools }: ToolCatalogue, runtime: Runtime): readonly string[] {
  const routes = new Set(tools.map(({ route }) => route));
  const lists = new Set([...routes].map((route) => runtime.protocols(route)));
  return [...new Set([...lists].flatMap((protocols) => mcpMembers(protocols).payments))];
}

/** For a route with several prices, the highest price of a call. */
function toldPrice(route: Route, runtime: Runtime): ToldPrice | undefined {
  const paid = paidPrices(route);
  const dearest = dearestOf(paid);
  if (dearest.kind === 'free') return undefined;
  const accepts = runtime.openPrice(route, dearest).offers.map(({ requirements }) => ({ ...requirements }));
  return { text: paid.length === 1 ? dearest.text : `up to ${dearest.text}`, accepts };
}
