import type { Route } from './route.ts';
import type { JsonObject } from './x402.ts';

/** The path of the gateway's own server of tools. */
export const TOOLS_PATH = '/mcp';

/** Where the value of an argument goes in the request that a tool stands for. */
export type ArgumentPlace =
  /** Which of several methods the request has. The first one is the default. */
  | { readonly kind: 'method'; readonly methods: readonly [string, ...string[]] }
  /** A parameter of the path. `rest`: of any number of segments, and of none. */
  | { readonly kind: 'path'; readonly name: string; readonly rest: boolean }
  | { readonly kind: 'query'; readonly name: string; readonly style: QueryStyle }
  /** An object of query parameters without a description. */
  | { readonly kind: 'any_query' }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'body'; readonly form: BodyForm; readonly mimeType: string };

/**
 * How a list or an object is written into a query: each value separately, or joined by a character; an object by its
 * members or below its name. OpenAPI 3.1 §4.8.12, "Style Values".
 */
export interface QueryStyle {
  /** What lists are joined by; `undefined`: each value is a parameter of its own. */
  readonly delimiter: ',' | ' ' | '|' | undefined;
  /** Whether members of an object are written as `name[member]`. */
  readonly deep: boolean;
}

/** How a body is written. */
export type BodyForm = 'json' | 'form' | 'text';

/** An argument of a tool. */
export interface ToolArgument {
  readonly name: string;
  readonly required: boolean;
  readonly place: ArgumentPlace;
}

/** A priced operation of the API as a tool of MCP: how it is described, and the request that it stands for. */
export interface ApiTool {
  /** Up to 64 letters, digits, `_` and `-`, unique among the tools of a plan. */
  readonly name: string;
  /** What it does, without its price. */
  readonly description: string;
  /** JSON Schema of its arguments: an object, without a reference to the outside. */
  readonly inputSchema: JsonObject;
  /** The route that its requests have to meet. */
  readonly route: Route;
  /** Upper case: the method of every request, unless an argument names one. */
  readonly method: string;
  /** Path with `{name}` for each parameter. */
  readonly template: string;
  readonly arguments: readonly ToolArgument[];
}

/** The tools that a plan offers, and the service that they belong to. */
export interface ToolCatalogue {
  /** Title of the service, for people. */
  readonly title: string;
  readonly version: string;
  readonly tools: readonly ApiTool[];
}
