import { isMap, isScalar, isSeq, type YAMLMap } from 'yaml';
import type { Json, JsonObject } from '../domain/x402.ts';
import { type Decoder, mapAt, mergedEntries, nodeOrNone, placeOf } from './decoder.ts';
import type { Place, Source } from './source.ts';

const RIGHT = 'a text, a number, true, false, null, a list or a map';

/** A map of whatever JSON can say: settings that only somebody else understands. Texts may hold `${…}`. */
export function jsonMap(expects: string): Decoder<JsonObject> {
  return {
    expects,
    jsonSchema: { type: 'object' },
    decode(at, source) {
      const found = mapAt(at, source, expects);
      return found === undefined ? undefined : objectAt(found, source);
    },
  };
}

/** A value of the file as JSON; `undefined` after a problem was reported. */
function jsonAt(at: Place, source: Source): Json | undefined {
  const found = source.resolve(at);
  if (found === undefined) return undefined;
  if (isMap(found.node)) return objectAt({ ...found, node: found.node }, source);
  if (isSeq(found.node)) {
    const items = found.node.items.map((node, index) =>
      jsonAt(placeOf(nodeOrNone(node), found.offset, `${found.path}[${index}]`), source),
    );
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  const value = isScalar(found.node) ? found.node.value : undefined;
  if (typeof value === 'string') return expanded(value, found, source);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  source.report(found, 'this is no value of JSON', RIGHT);
  return undefined;
}

function objectAt(
  { node, path }: { readonly node: YAMLMap; readonly path: string },
  source: Source,
): JsonObject | undefined {
  const entries = mergedEntries(node, path, source).map(({ name, place }) => [name, jsonAt(place, source)] as const);
  const sound = entries.filter((entry): entry is readonly [string, Json] => entry[1] !== undefined);
  return sound.length === entries.length ? Object.fromEntries(sound) : undefined;
}

function expanded(text: string, place: Place, source: Source): string | undefined {
  const expansion = source.expand(text);
  if (expansion.ok) return expansion.text;
  source.report(place, expansion.wrong, expansion.right);
  return undefined;
}
