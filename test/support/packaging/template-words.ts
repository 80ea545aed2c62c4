/** What values of a chart are made of. */
export type Json = null | boolean | number | string | readonly Json[] | JsonMap;

/** Values by key. */
export interface JsonMap {
  readonly [key: string]: Json;
}

/** Whether a value is a map. */
export function isMap(value: Json | undefined): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What `if` takes for true: everything but nothing, `false`, `0` and what is empty. */
export function truthy(value: Json): boolean {
  if (value === null || typeof value !== 'object') return Boolean(value);
  return Object.keys(value).length > 0;
}

/** Splits a pipeline into strings, parentheses, pipes and everything else between spaces. */
export function words(pipeline: string): string[] {
  const found = pipeline.match(/"(?:[^"\\]|\\.)*"|[()|]|[^\s()|"]+/g) ?? [];
  if (found.join('').length !== pipeline.replaceAll(/\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/g, '').length) {
    throw new Error(`cannot read {{ ${pipeline} }}`);
  }
  return found;
}
