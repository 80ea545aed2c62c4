import { TOOLS_PATH } from '../../domain/api-tool.ts';
import { GatewayError } from '../../domain/gateway-error.ts';
import type { Route } from '../../domain/route.ts';
import type { AcceptedRequest } from '../exchange.ts';
import { answered, type Served, served } from '../stages.ts';
import { readToolMessage, toolBody, toolHead } from './read-tool-message.ts';
import { toolForms } from './tool-answer.ts';
import { ToolClient } from './tool-client.ts';

/** Whether a request is for the tools that the gateway makes of its routes. No route of the table has their path. */
export function isForTools({ path, runtime }: Pick<AcceptedRequest, 'path' | 'runtime'>): boolean {
  return path === TOOLS_PATH && runtime.tools !== undefined;
}

/**
 * Answers as a server of MCP (Streamable HTTP, without sessions) whose tools are the priced routes. A call becomes the
 * request that it stands for, and `serve` serves that like any other: it is accepted, matched, priced, paid and forwarded in
 * the same way, with the same limits, keys, passes and books. Its answer goes into the result. Nothing is priced here.
 *
 * A payment comes in the message or in its head. It is bound to the request of the API: the same payment pays for the same
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

/** Serves a request that nobody sent over a connection. Never rejects. */
export type ServeInside = (
  received: { readonly head: AcceptedRequest['head']; readonly client: ToolClient },
  inside: InMessage,
) => Promise<void>;

/** What differs for a request that stands for a message. */
export interface InMessage extends Required<Pick<AcceptedRequest, 'payments' | 'form'>> {
  /** The route that it has to meet: it is refused where its target leads to another one. */
  readonly route: Route;
}

/** Arguments of a tool choose what is asked for on its route, and no other route. */
export function leadsElsewhere(): GatewayError {
  return new GatewayError('route_not_found', {
    detail: 'These arguments lead to another route than that of the tool.',
  });
}
