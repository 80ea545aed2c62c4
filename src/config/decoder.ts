import type { JsonObject } from '../domain/x402.ts';
import { AbsentKey, keyPath } from './absent-key.ts';
import { nearest } from './nearest.ts';
import { otherBlankIn } from './other-blank.ts';
import { ownText } from './own-text.ts';
import type { Place, Source } from './source.ts';
import type { ConfigNode, MapNode } from './tree.ts';

/**
 * Reads one kind of value out of the file, and says in JSON Schema what it reads: one source for messages, for editors
 * and for the manual.
 */
export interface Decoder<out T> {
  /** What would be right, as a noun phrase with an example: `a duration such as 30s`. */
  readonly expects: string;
  /** JSON Schema, draft 2020-12. May be wider than the decoder where a schema cannot say it, never narrower. */
  readonly jsonSchema: JsonObject;
  /** Reads the value; `undefined` after a problem was reported. */
  decode(place: Place, source: Source): T | undefined;
}

/** A key of a map as it was found. Its place is where to report what is wrong with it, even when it is not there. */
export type Field<T> =
  | { readonly kind: 'absent'; readonly place: Place }
  /** Already reported; what depends on it keeps quiet. */
  | { readonly kind: 'invalid'; readonly place: Place }
  | { readonly kind: 'value'; readonly place: Place; readonly value: T };

/** A key of a map, with what the manual and editors say of it. */
export interface Key<out T> {
  readonly decoder: Decoder<T>;
  readonly description: string;
  readonly required?: true;
  /** Decoded like a value of the file when the key is absent, so that the documented default is the real one. */
  readonly default?: string | number;
  readonly examples?: JsonObject[string];
}

/** The keys of a map. */
export type Keys = { readonly [name: string]: Key<unknown> };

/** What decoding a map with the keys `K` gives: one {@link Field} for each key. */
export type Fields<K extends Keys> = { readonly [N in keyof K]: K[N] extends Key<infer T> ? Field<T> : never };

/** The values of a map that is sound: keys that are required or have a default are there. */
export type Values<K extends Keys> = {
  readonly [N in keyof K]: K[N] extends Key<infer T>
    ? K[N] extends { readonly required: true } | { readonly default: string | number }
      ? T
      : T | undefined
    : never;
};

/** A decoder of maps, open to the generator of the manual. */
export interface MapDecoder<K extends Keys> extends Decoder<Fields<K>> {
  readonly keys: K;
}

/** What a map says about keys that it does not take. */
export interface OtherKeys {
  /** Keys of later releases, and why they are refused. Never ignored: `access` without effect would surprise a buyer. */
  readonly later?: Readonly<Record<string, string>>;
  /** Keys of an alternative form, for suggestions only. */
  readonly also?: readonly string[];
  /** Takes keys that begin with `x-` and says nothing of them: they hold what aliases stand for, or notes of other tools. */
  readonly extensions?: true;
}

const EXTENSION = 'x-';
/** The merge key of YAML 1.1, which every other tool of the kind reads. */
const MERGE = '<<';
/** Maps within maps that a merge may go through: an anchor around its own alias would have no end. */
const MOST_MERGES = 16;

/** A field's value, or `undefined` when it is absent or invalid. */
export function soundValue<T>(field: Field<T>): T | undefined {
  return field.kind === 'value' ? field.value : undefined;
}

/** What a route says itself, or else what the whole file says. */
export function inherited<T>(own: Field<T>, whole: Field<T>): Field<T> {
  return own.kind === 'absent' ? whole : own;
}

/** A map with known keys. A key that is not known is always a problem: a misspelled one must not be without effect. */
export function map<const K extends Keys>(expects: string, keys: K, others: OtherKeys = {}): MapDecoder<K> {
  const named = Object.entries(keys);
  const required = Object.keys(keys).filter((name) => keys[name]?.required === true);
  // Copied for each map: an object that grows key by key is moved with every third.
  const noFields: Readonly<Record<string, undefined>> = Object.fromEntries(named.map(([name]) => [name, undefined]));
  return {
    expects,
    keys,
    jsonSchema: {
      type: 'object',
      properties: Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, keySchema(key)])),
      required,
      additionalProperties: false,
      ...(others.extensions === true && { patternProperties: { [`^${EXTENSION}`]: {} } }),
    },
    decode(at, source) {
      const found = mapAt(at, source, expects);
      if (found === undefined) return undefined;
      const places = new Map<string, Place>();
      for (const { name, keyPlace, place } of mergedEntries(found.node, found.path, source)) {
        const isKnown = Object.hasOwn(keys, name) || (others.extensions === true && name.startsWith(EXTENSION));
        if (!isKnown) reportUnknown(name, keyPlace, keys, others, source);
        places.set(name, place);
      }
      const fields: Record<string, Field<unknown> | undefined> = { ...noFields };
      for (const [name, key] of named) {
        const place = places.get(name);
        fields[name] =
          place === undefined ? absentField(key, found, name, source) : decodeField(key.decoder, place, source);
      }
      return fields as Fields<K>;
    },
  };
}

/**
 * Builds one value of a map that only makes sense as a whole. Nothing is built when a key is invalid; `build` reports
 * what is wrong between the keys itself and then gives `undefined`.
 */
export function complete<K extends Keys, T>(
  decoder: MapDecoder<K>,
  build: (values: Values<K>, place: Place, source: Source) => T | undefined,
): Decoder<T> {
  return {
    expects: decoder.expects,
    jsonSchema: decoder.jsonSchema,
    decode(at, source) {
      const fields = decoder.decode(at, source);
      if (fields === undefined) return undefined;
      const values = allSound<K>(fields);
      return values === undefined ? undefined : build(values, at, source);
    },
  };
}

/** The values of a map whose keys are all sound, or `undefined`. */
export function allSound<K extends Keys>(fields: Fields<K>): Values<K> | undefined {
  const entries = Object.entries<Field<unknown>>(fields);
  if (entries.some(([, field]) => field.kind === 'invalid')) return undefined;
  return Object.fromEntries(entries.map(([name, field]) => [name, soundValue(field)] as const)) as Values<K>;
}

/** Turns what a decoder gave into something else that cannot fail. */
export function mapped<A, B>(decoder: Decoder<A>, change: (value: A, place: Place) => B): Decoder<B> {
  return {
    expects: decoder.expects,
    jsonSchema: decoder.jsonSchema,
    decode(at, source) {
      const value = decoder.decode(at, source);
      return value === undefined ? undefined : change(value, at);
    },
  };
}

/** Reports that the value at `found` is not of the kind that is needed. */
export function wrongKind(found: Place, source: Source, expects: string): undefined {
  source.report(found, `this is ${kindOf(found.node)}`, expects);
  return undefined;
}

/** Decodes one value into a {@link Field}. */
export function decodeField<T>(decoder: Decoder<T>, place: Place, source: Source): Field<T> {
  const value = decoder.decode(place, source);
  return value === undefined ? { kind: 'invalid', place } : { kind: 'value', place, value };
}

/** @param map the map that lacks the key */
function absentField<T>(key: Key<T>, map: Place, name: string, source: Source): Field<T> {
  const absent = new AbsentKey(map, name);
  if (key.default !== undefined) {
    const { offset, path } = absent.place;
    const node = { kind: 'scalar', offset, value: key.default } as const;
    return decodeField(key.decoder, { node, offset, path }, source);
  }
  if (key.required !== true) return absent;
  source.report(absent.place, 'it is missing', key.decoder.expects);
  return { kind: 'invalid', place: absent.place };
}

function reportUnknown(name: string, place: Place, keys: Keys, others: OtherKeys, source: Source): void {
  const later = others.later !== undefined && Object.hasOwn(others.later, name) ? others.later[name] : undefined;
  if (later !== undefined) {
    source.report(place, later, 'the key left out');
    return;
  }
  const known = [...Object.keys(keys), ...(others.also ?? [])];
  const meant = nearest(name, known);
  const shown = JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
  const blank = otherBlankIn(name);
  if (blank !== undefined) {
    source.report(place, `the key ${shown} ${blank}`, 'spaces');
    return;
  }
  source.report(place, `the key ${shown} is not known`, meant === undefined ? `one of ${known.join(', ')}` : meant);
}

function keySchema(key: Key<unknown>): JsonObject {
  return {
    ...key.decoder.jsonSchema,
    description: key.description,
    ...(key.default !== undefined && { default: key.default }),
    ...(key.examples !== undefined && { examples: key.examples }),
  };
}

/** The map at `at`, or `undefined` after a problem was reported. */
export function mapAt(
  at: Place,
  source: Source,
  expects: string,
): { node: MapNode; offset: number; path: string } | undefined {
  const found = source.resolve(at);
  if (found === undefined) return undefined;
  return found.node?.kind === 'map'
    ? { node: found.node, offset: found.offset, path: found.path }
    : wrongKind(found, source, expects);
}

/** The pairs of a map with the places of their keys and values. */
export function entriesOf(node: MapNode, path: string): readonly { name: string; keyPlace: Place; place: Place }[] {
  return node.pairs.map(({ name: written, offset, value }) => {
    const name = ownText(written);
    const keyPlace: Place = { node: undefined, offset, path: keyPath(path, name) };
    return { name, keyPlace, place: placeOf(value, offset, keyPlace.path) };
  });
}

/**
 * The pairs of a map with those of the maps that it merges with `<<`: its own keys win, then those of earlier maps. Reports
 * what cannot be merged.
 */
export function mergedEntries(node: MapNode, path: string, source: Source, depth = 0): ReturnType<typeof entriesOf> {
  const own = entriesOf(node, path);
  const merges = own.filter(({ name }) => name === MERGE);
  if (merges.length === 0) return own;
  const pairs = new Map(own.filter(({ name }) => name !== MERGE).map((pair) => [pair.name, pair]));
  for (const { place } of merges) {
    for (const pair of mergedMaps(place, path, source, depth)) if (!pairs.has(pair.name)) pairs.set(pair.name, pair);
  }
  return [...pairs.values()];
}

function mergedMaps(place: Place, path: string, source: Source, depth: number): ReturnType<typeof entriesOf> {
  const found = source.resolve(place);
  if (found === undefined) return [];
  if (depth < MOST_MERGES && found.node?.kind === 'list') {
    return found.node.items.flatMap((item) =>
      mergedMaps(placeOf(item, found.offset, place.path), path, source, depth + 1),
    );
  }
  if (depth < MOST_MERGES && found.node?.kind === 'map') return mergedEntries(found.node, path, source, depth + 1);
  source.report(place, 'this cannot be merged into a map', 'an alias of a map, such as <<: *defaults');
  return [];
}

/** Where a node stands; what is not there stands at `fallback`. */
export function placeOf(node: ConfigNode | undefined, fallback: number, path: string): Place {
  return { node, offset: node?.offset ?? fallback, path };
}

function kindOf(node: ConfigNode | undefined): string {
  if (node?.kind === 'map') return 'a map';
  if (node?.kind === 'list') return 'a list';
  if (node?.kind !== 'scalar' || node.value === null) return 'empty';
  return typeof node.value === 'string' ? 'a text' : `a ${typeof node.value}`;
}
