import { type ApiDocument, type DiscoveryTerms, takesBody } from '../domain/discovery.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import { descriptionOf } from '../domain/route-price.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { type Operation, readOperations } from '../openapi/operations.ts';
import { resolveReference } from '../openapi/reference.ts';
import { ANY_METHOD } from './any-method.ts';
import { ComponentCollector } from './components.ts';
import { routeFinder } from './operation-route.ts';
import { pathParameter, pathTemplateOf, templateShape } from './path-template.ts';
import { PAYMENT_INFO, paymentInfoOf } from './payment-info.ts';
import { publishedPart } from './published.ts';
import { ANY_ANSWER, withStated } from './stated-operation.ts';

const DEFAULT_TITLE = 'A priced API';

/** The methods that a document of OpenAPI 3.1 can describe: 3.2 has others, such as QUERY. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH', 'TRACE']);

/** One operation that the gateway forwards. */
export interface SoldOperation {
  readonly method: string;
  readonly template: string;
  readonly route: Route;
  readonly operation: JsonObject;
}

/** What the documents of one plan are made from. */
export type DiscoverySubject = Pick<Plan, 'routes' | 'table' | 'publicUrl'>;

/**
 * The operations of the API's description that a route sells or gives away. A route that describes itself is added
 * where the description has none of its operations. Without a description: the operations of the price table.
 * Operations of unlisted routes are left out.
 *
 * @param terms its document is OpenAPI 3.1
 */
export function soldOperations(plan: DiscoverySubject, { document }: DiscoveryTerms): readonly SoldOperation[] {
  const described = document === undefined ? [] : describedOperations(plan, document);
  const known = new Set(described.map(({ route }) => route));
  const untold = plan.routes.filter(
    (route) => document === undefined || (route.stated !== undefined && !known.has(route)),
  );
  return [...described, ...untold.flatMap(operationsOfRoute)].filter(({ route }) => !route.unlisted);
}

/** The OpenAPI 3.1 document of what is for sale. */
export function apiDocument(plan: DiscoverySubject, terms: DiscoveryTerms): JsonObject {
  const root = terms.document?.root ?? {};
  const collector = new ComponentCollector(root);
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const { method, template, route, operation } of soldOperations(plan, terms)) {
    if (!METHODS.has(method)) continue;
    const item = paths[template] ?? {};
    paths[template] = item;
    item[method.toLowerCase()] ??= collector.include(withPrice(operation, method, route));
  }
  const components = collector.components();
  return {
    openapi: '3.1.0',
    info: infoOf(root, terms),
    servers: [{ url: plan.publicUrl ?? '/' }],
    'x-service-info': { categories: terms.tags, docs: { llms: '/llms.txt' } },
    paths,
    ...(Object.keys(components).length === 0 ? {} : { components }),
  };
}

/** Name, version and description of the service. */
export function infoOf(root: JsonObject, { title, description }: DiscoveryTerms): JsonObject {
  const info = isJsonObject(root['info']) ? root['info'] : {};
  const text = description ?? info['description'];
  return {
    title: title ?? (typeof info['title'] === 'string' ? info['title'] : DEFAULT_TITLE),
    version: typeof info['version'] === 'string' ? info['version'] : '1',
    ...(typeof text === 'string' ? { description: text } : {}),
  };
}

function operationsOfRoute(route: Route): readonly SoldOperation[] {
  const { template, parameters } = pathTemplateOf(route.pattern);
  const { mimeType } = route;
  const description = descriptionOf(route);
  const answer = { ...ANY_ANSWER, ...(mimeType === undefined ? {} : { content: { [mimeType]: {} } }) };
  return (route.methods ?? ANY_METHOD).map((method) => ({
    method,
    template,
    route,
    operation: withStated(
      {
        ...(description === undefined ? {} : { summary: description }),
        ...(parameters.length === 0 ? {} : { parameters }),
        ...(takesBody(method) ? { requestBody: { content: { '*/*': {} } } } : {}),
        responses: { 200: answer },
      },
      method,
      route,
      {},
    ),
  }));
}

function describedOperations(plan: DiscoverySubject, document: ApiDocument): readonly SoldOperation[] {
  const { operations } = readOperations(document);
  const findRoute = routeFinder(plan, plan.publicUrl === undefined ? '' : new URL(plan.publicUrl).hostname);
  return operations.flatMap((operation) => {
    const route = findRoute(operation);
    if (route === undefined) return [];
    const { method, template } = operation;
    const published = publishedOperation(operation, document.root, injectedHeaders(route));
    const { pattern } = route;
    const isOfRoute = !pattern.rest && templateShape(template) === templateShape(pathTemplateOf(pattern).template);
    const said = isOfRoute ? withStated(published, method, route, document.root) : published;
    return [{ method, template, route, operation: said }];
  });
}

/** Headers that the gateway adds itself, in lower case: buyers neither know nor send them. */
function injectedHeaders({ upstream }: Route): ReadonlySet<string> {
  return new Set(upstream.headers.map(([name]) => name.toLowerCase()));
}

/**
 * An operation with the parameters of its path item; its own parameters replace those of the same name and place.
 *
 * @param injected headers that are left out of its parameters
 */
function publishedOperation(
  { node, pathItem }: Operation,
  root: JsonObject,
  injected: ReadonlySet<string>,
): JsonObject {
  const { responses, ...rest } = publishedPart(node);
  const own = objectsIn(rest['parameters']);
  const taken = new Set(own.map((each) => parameterKey(each, root)));
  const shared = objectsIn(pathItem['parameters']).filter((each) => !taken.has(parameterKey(each, root)));
  const given = [...own, ...shared.map(publishedPart)].filter((each) => !isInjected(each, root, injected));
  const parameters = given.map((each) => withoutLoan(each, root));
  const { parameters: _, ...others } = rest;
  return {
    ...others,
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: responses ?? { 200: ANY_ANSWER },
  };
}

/** A path parameter must not be missing. One that refers to another operation is published with its name alone. */
function withoutLoan(parameter: JsonObject, root: JsonObject): JsonObject {
  const { $ref } = parameter;
  if (typeof $ref !== 'string' || $ref.startsWith('#/components/')) return parameter;
  const { name, in: place } = resolveReference(root, parameter) ?? {};
  return place === 'path' && typeof name === 'string' ? pathParameter(name) : parameter;
}

function isInjected(parameter: JsonObject, root: JsonObject, injected: ReadonlySet<string>): boolean {
  const { name, in: place } = resolveReference(root, parameter) ?? parameter;
  return place === 'header' && typeof name === 'string' && injected.has(name.toLowerCase());
}

/** Parameters differ by name and place: OpenAPI 3.1 §4.8.12. */
function parameterKey(parameter: JsonObject, root: JsonObject): string {
  const { name, in: place } = resolveReference(root, parameter) ?? parameter;
  return JSON.stringify([name, place]);
}

function objectsIn(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter((each) => isJsonObject(each)) : [];
}

function withPrice(operation: JsonObject, method: string, route: Route): JsonObject {
  const info = paymentInfoOf(route);
  if (info === undefined) return operation;
  const responses = isJsonObject(operation['responses']) ? operation['responses'] : {};
  return {
    ...operation,
    ...(takesBody(method) && operation['requestBody'] === undefined ? { requestBody: { content: { '*/*': {} } } } : {}),
    responses: { ...responses, 402: PAYMENT_REQUIRED },
    [PAYMENT_INFO]: info,
  };
}

const PAYMENT_REQUIRED = {
  description: 'Payment required: the price, and how to pay it (x402).',
  headers: {
    'PAYMENT-REQUIRED': { description: 'Base64 of the PaymentRequired object.', schema: { type: 'string' } },
  },
};
