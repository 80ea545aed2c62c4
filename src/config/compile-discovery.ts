import { takesBody } from '../domain/discovery.ts';
import type { Route } from '../domain/route.ts';
import type { StatedCalls } from '../domain/stated-calls.ts';
import { soundValue } from './decoder.ts';
import { valuesOf } from './forms.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { RouteFields } from './route-keys.ts';
import type { Source } from './source.ts';

/** The facts of one route for agents, beside those of the price table. */
export function compileDiscovery(
  fields: RouteFields,
  gateway: GatewayFields,
  source: Source,
): Pick<Route, 'unlisted' | 'stated'> {
  const { discovery } = fields;
  const said = soundValue(discovery);
  if (said === undefined) return {};
  if (said === 'off') return { unlisted: true };
  const wrong = whyUnsayable(said, fields);
  if (wrong !== undefined) {
    source.report(discovery.place, wrong.wrong, wrong.right);
    return {};
  }
  if (soundValue(gateway.discovery) === 'off')
    source.warn(
      discovery.place,
      'nobody is told of it: discovery of the file is off',
      'the key left out, or discovery',
    );
  return { stated: said };
}

function whyUnsayable(
  { query, body, output }: StatedCalls,
  { mcp, methods }: RouteFields,
): { readonly wrong: string; readonly right: string } | undefined {
  if (mcp.kind !== 'absent' && (query ?? body ?? output) !== undefined) {
    const right = 'a description, off, or the key left out';
    return { wrong: 'what goes into the tools of an MCP server is in its own lists of them', right };
  }
  const listed = soundValue(methods);
  if (body === undefined || listed === undefined || valuesOf(listed).some(takesBody)) return undefined;
  return {
    wrong: 'no method of the route has a body',
    right: 'methods with POST, PUT or PATCH, or input without body',
  };
}
