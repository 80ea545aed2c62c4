import type { ApiTool, ToolArgument, ToolCatalogue } from '../domain/api-tool.ts';
import type { DiscoveryTerms } from '../domain/discovery.ts';
import type { Route } from '../domain/route.ts';
import { descriptionOf, isPriced } from '../domain/route-price.ts';
import type { JsonObject } from '../domain/x402.ts';
import { ANY_METHOD } from './any-method.ts';
import { type DiscoverySubject, infoOf, type SoldOperation, soldOperations } from './api-document.ts';
import { pathTemplateOf } from './path-template.ts';
import { type ToolInput, toolInputs } from './tool-inputs.ts';
import { ToolNames } from './tool-names.ts';
import { inputSchema } from './tool-schema.ts';

/** Methods that tools can call. */
const CALLABLE: ReadonlySet<string> = new Set(ANY_METHOD);

/** Longest description of a tool, in characters: a model reads all of them. */
const MOST_DESCRIPTION = 1000;

/**
 * The priced operations of a plan as tools. With a description of the API: one tool for each of its operations that a
 * priced route sells. Without one: one tool for each priced route, or for each method of a route that states its own
 * inputs. Free routes, unlisted routes, routes of MCP servers, and operations whose body no argument can hold are left
 * out.
 *
 * @param terms its document is OpenAPI 3.1
 */
export function toolCatalogue(plan: DiscoverySubject, terms: DiscoveryTerms): ToolCatalogue {
  const root = terms.document?.root ?? {};
  const { title, version } = infoOf(root, terms);
  const names = new ToolNames();
  const tools =
    terms.document === undefined
      ? plan.routes.filter(isOffered).flatMap((route) => ofUndescribed(plan, terms, route, names))
      : ofOperations(soldOperations(plan, terms), root, names);
  return { title: String(title), version: String(version), tools };
}

/** A route that names its methods and states its own inputs is treated like described operations. */
function ofUndescribed(
  plan: DiscoverySubject,
  terms: DiscoveryTerms,
  route: Route,
  names: ToolNames,
): readonly ApiTool[] {
  const { methods, stated } = route;
  const says = methods !== undefined && (stated?.query ?? stated?.body) !== undefined;
  return says ? ofOperations(soldOperations({ ...plan, routes: [route] }, terms), {}, names) : [ofRoute(route, names)];
}

function isOffered(route: Route): boolean {
  const methods = route.methods ?? ANY_METHOD;
  return isPriced(route) && route.mcp === undefined && !route.unlisted && methods.some((each) => CALLABLE.has(each));
}

function ofOperations(operations: readonly SoldOperation[], root: JsonObject, names: ToolNames): readonly ApiTool[] {
  return operations.flatMap(({ method, template, route, operation }) => {
    if (!isOffered(route) || !CALLABLE.has(method)) return [];
    const [path = '/'] = template.split(/[?#]/);
    const { rest } = route.pattern;
    const hasRest = rest && path === pathTemplateOf(route.pattern).template;
    const inputs = toolInputs(root, { method, template: path, hasRest, operation });
    if (inputs === undefined) return [];
    const { operationId, summary, description } = operation;
    const said = [summary, description].filter((text) => typeof text === 'string' && text.trim() !== '');
    return [
      made({
        name: names.take(typeof operationId === 'string' ? operationId : `${method}_${path}`),
        description: said.length > 0 ? said.join('\n\n') : (descriptionOf(route) ?? `${method} ${path}`),
        ...{ root, route, method, inputs, template: path },
      }),
    ];
  });
}

/**
 * Without a description of the API, a route is one tool. Its arguments are its path parameters, and any query and body.
 */
function ofRoute(route: Route, names: ToolNames): ApiTool {
  const { template, parameters } = pathTemplateOf(route.pattern);
  const [method = 'GET', ...others] = (route.methods ?? ANY_METHOD).filter((each) => CALLABLE.has(each));
  const methods: readonly [string, ...string[]] = [method, ...others];
  const named = others.length === 0 ? `${method} ${template}` : template;
  const undescribed = { method, methods, template, hasRest: route.pattern.rest, operation: { parameters } };
  return made({
    name: names.take(others.length === 0 ? `${method}_${template}` : template),
    description: descriptionOf(route) ?? named,
    ...{ root: {}, route, method, template },
    inputs: toolInputs({}, undescribed) ?? [],
  });
}

interface Parts extends Pick<ApiTool, 'name' | 'description' | 'route' | 'method' | 'template'> {
  readonly root: JsonObject;
  readonly inputs: readonly ToolInput[];
}

function made({ root, inputs, description, ...rest }: Parts): ApiTool {
  const args = inputs.map(({ name, required, place }): ToolArgument => ({ name, required, place }));
  return {
    ...rest,
    description: description.length > MOST_DESCRIPTION ? `${description.slice(0, MOST_DESCRIPTION)}…` : description,
    inputSchema: inputSchema(root, inputs),
    arguments: args,
  };
}
