import type { Json, JsonObject } from './x402.ts';

/** An API description: OpenAPI 3.0, 3.1 and 3.2, or Swagger 2. Untrusted beyond its outermost shape. */
export interface ApiDocument {
  readonly root: JsonObject;
  readonly dialect: 'swagger2' | 'openapi3';
  /** As the document states it, such as `3.1.0`. */
  readonly version: string;
}

/** The facts about the service for agents, and their sources. */
export interface DiscoveryTerms {
  /** Name of the service, for people. */
  readonly title: string | undefined;
  readonly description: string | undefined;
  /** Keywords of the service in catalogues. */
  readonly tags: readonly string[];
  /** The name of the service in catalogues: printable ASCII of up to 32 characters. */
  readonly serviceName: string | undefined;
  /** A picture of the service: an `http` or `https` URL of a public host. */
  readonly iconUrl: string | undefined;
  /** Whether 402s carry the `bazaar` extension, by which facilitators list what was paid for. */
  readonly bazaar: boolean;
  /** Whether the gateway is an MCP server whose tools are the priced routes. */
  readonly mcp: boolean;
  /** The API's own description; `undefined` where the price table is all that is known. */
  readonly document: ApiDocument | undefined;
}

/** Values of one kind that a call takes: schemas of the known ones, and samples of those that the call needs. */
export interface CallValues {
  /** JSON Schemas by name, each without a reference. */
  readonly properties: Readonly<Record<string, JsonObject>>;
  /** Values that fit {@link properties}: what a first call can be made with. */
  readonly sample: JsonObject;
}

const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** Whether a call of this method is described with a body: x402 `extensions/bazaar.md`. @param method upper case */
export function takesBody(method: string): boolean {
  return WITH_BODY.has(method);
}

/** The body that a call takes. */
export interface CallBody {
  readonly type: 'json' | 'form-data' | 'text';
  readonly schema: JsonObject;
  /** A body that fits the schema. */
  readonly sample: Json;
}

/** How one method of a route is called, and what it answers, for catalogues of paid APIs. */
export interface CallDescription {
  /** Upper case. */
  readonly method: string;
  readonly query: CallValues;
  readonly body: CallBody | undefined;
  /** An example of the answer; `undefined` where none is known. */
  readonly output: Json | undefined;
}

/** The descriptions of the calls of one route; a method that catalogues do not take has no description. */
export interface RouteCalls {
  of(method: string): CallDescription | undefined;
}

/** The answer of a facilitator's catalogue about a purchase. */
export interface CatalogueAnswer {
  readonly status: 'success' | 'processing' | 'rejected';
  /** Its own words, for operators, bounded. */
  readonly reason: string | undefined;
}
