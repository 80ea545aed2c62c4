import type { CallBody } from './discovery.ts';
import type { Json, JsonObject } from './x402.ts';

/**
 * A route's own description of its calls: by examples, from which types are derived. Absent parts are not described.
 */
export interface StatedCalls {
  /** What a call is for, for agents; longer than what stands in a 402. */
  readonly description: string | undefined;
  /** Values of the query by name: each a scalar, or a list of them. */
  readonly query: JsonObject | undefined;
  readonly body: { readonly type: CallBody['type']; readonly example: Json } | undefined;
  /** An example of the answer. */
  readonly output: Json | undefined;
}

/** The parts that are stated, for people: `query, output`. */
export function statedText(stated: StatedCalls): string {
  const said = Object.entries(stated).flatMap(([part, value]) => (value === undefined ? [] : [part]));
  return said.length === 0 ? 'nothing' : said.join(', ');
}
