import { TOOLS_PATH } from '../../domain/api-tool.ts';
import { GatewayError } from '../../domain/gateway-error.ts';
import type { Route } from '../../domain/route.ts';
import type { AcceptedRequest } from '../exchange.ts';
import { answered, type Served, served } from '../stages.ts';
import { readToolMessage, toolBody, toolHead } from './read-tool-message.ts';
import { toolForms } from './tool-answer.ts';
import { ToolClient } from './tool-client.ts';

/** Whether a request is for the server of tools. No route of the table can have its path. */
export function isForTools({ path, runtime }: Pick<AcceptedRequest, 'path' | 'runtime'>): boolean {
  return path === TOOLS_PATH && runtime.tools !== undefined;
}

/**
 * Answers as an MCP server (Streamable HTTP, without sessions) whose tools are the priced routes. A call becomes the
 * request that it stands for, which `serve` accepts, matches, prices, charges and forwards like any other, with the
 * same limits, keys, passes and ledger. Its answer goes into the result. Nothing is priced here.
 *
 * The payment comes in the message or in its head. It is bound to the API's request: the same payment pays for that
 * request over HTTP, and collects its answer there.
 */
export async function serveTools(request: AcceptedRequest, serve: ServeInside): Promise<Served> {
  const asked = await readToolMessage(request);
  if (asked.kind === 'answer') return answered(asked.outcome, asked.answer);
  const { call, tool, written } = asked;
  const { forms, form } = toolForms(request, { call, tool, target: written.target });
  const client = new ToolClient(request.client, toolBody(written), forms);
  await serve({ head: toolHead(request, asked), client }, { payments: call.payments, form, route: tool.route });
  return served(request.clientGone.aborted ? 'client_gone' : 'discovery');
}

/** Serves a request that did not come over a connection of its own. Never rejects. */
export type ServeInside = (
  received: { readonly head: AcceptedRequest['head']; readonly client: ToolClient },
  inside: InMessage,
) => Promise<void>;

/** The facts that a request has when it stands for a message. */
export interface InMessage extends Required<Pick<AcceptedRequest, 'payments' | 'form'>> {
  /** The route that it must match: a target that leads to another route is refused. */
  readonly route: Route;
}

/** The arguments of a tool may choose a resource of its route, and never another route. */
export function leadsElsewhere(): GatewayError {
  return new GatewayError('route_not_found', {
    detail: 'These arguments lead to another route than that of the tool.',
  });
}
