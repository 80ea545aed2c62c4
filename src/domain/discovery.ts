import type { JsonObject } from './x402.ts';

/** An API description: OpenAPI 3.0, 3.1 and 3.2, or Swagger 2. Untrusted beyond its outermost shape. */
export interface ApiDocument {
  readonly root: JsonObject;
  readonly dialect: 'swagger2' | 'openapi3';
  /** As the document states it, such as `3.1.0`. */
  readonly version: string;
}

/** What agents are told of the service, and from what. */
export interface DiscoveryTerms {
  /** Name of the service, for people. */
  readonly title: string | undefined;
  readonly description: string | undefined;
  /** Words that a catalogue files it under. */
  readonly tags: readonly string[];
  /** The API's own description; `undefined` where the price table is all that is known. */
  readonly document: ApiDocument | undefined;
}
