import type { Json, JsonObject } from '../domain/x402.ts';
import { type Decoder, mapAt, mergedEntries, placeOf } from './decoder.ts';
import type { Place, Source } from './source.ts';
import type { MapNode } from './tree.ts';

const RIGHT = 'a text, a number, true, false, null, a list or a map';
/** Deepest nesting, unless a smaller one is asked for: an alias within its own anchor has no end. */
const DEEPEST = 64;

/** A map of any JSON: settings that only another program understands. Texts may hold `${…}`. */
export function jsonMap(expects: string): Decoder<JsonObject> {
  return {
    expects,
    jsonSchema: { type: 'object' },
    decode(at, source) {
      const found = mapAt(at, source, expects);
      return found === undefined ? undefined : objectAt(found, source, DEEPEST);
    },
  };
}

/**
 * Whatever JSON can say. Texts may hold `${…}`.
 *
 * @param depth most lists and maps within each other
 */
export function jsonValue(expects: string, depth: number): Decoder<Json> {
  return { expects, jsonSchema: {}, decode: (at, source) => jsonAt(at, source, depth) };
}

/** A value of the file as JSON; `undefined` after a problem was reported. */
function jsonAt(at: Place, source: Source, depth: number): Json | undefined {
  const found = source.resolve(at);
  if (found === undefined) return undefined;
  const { node } = found;
  if ((node?.kind === 'map' || node?.kind === 'list') && depth === 0) {
    source.report(found, 'this is nested too deeply', 'fewer lists and maps within each other');
    return undefined;
  }
  if (node?.kind === 'map') return objectAt({ ...found, node }, source, depth);
  if (node?.kind === 'list') {
    const items = node.items.map((item, index) =>
      jsonAt(placeOf(item, found.offset, `${found.path}[${index}]`), source, depth - 1),
    );
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  const value = node?.kind === 'scalar' ? node.value : undefined;
  if (typeof value === 'string') return expanded(value, found, source);
  if (typeof value === 'number') return numberAt(value, found, source);
  if (typeof value === 'boolean' || value === null) return value;
  source.report(found, 'this is no value of JSON', RIGHT);
  return undefined;
}

/** JSON has neither `.inf` nor `.nan`, and a number that is rounded is another one. */
function numberAt(value: number, place: Place, source: Source): number | undefined {
  if (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))) return value;
  const wrong = Number.isFinite(value) ? 'the number has more digits than are kept' : 'this is no number of JSON';
  source.report(place, wrong, 'a shorter number, or it in quotes');
  return undefined;
}

function objectAt(
  { node, path }: { readonly node: MapNode; readonly path: string },
  source: Source,
  depth: number,
): JsonObject | undefined {
  const entries = mergedEntries(node, path, source).map(({ name, keyPlace, place }) => {
    if (name !== '__proto__') return [name, jsonAt(place, source, depth - 1)] as const;
    source.report(keyPlace, 'the key __proto__ means something else to programs', 'another name');
    return [name, undefined] as const;
  });
  const sound = entries.filter((entry): entry is readonly [string, Json] => entry[1] !== undefined);
  return sound.length === entries.length ? Object.fromEntries(sound) : undefined;
}

function expanded(text: string, place: Place, source: Source): string | undefined {
  const expansion = source.expand(text);
  if (expansion.ok) return expansion.text;
  source.report(place, expansion.wrong, expansion.right);
  return undefined;
}
