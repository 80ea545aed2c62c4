import {
  type Decoder,
  decodeField,
  type Field,
  mapAt,
  mergedEntries,
  placeOf,
  soundValue,
  wrongKind,
} from './decoder.ts';
import type { Place } from './source.ts';

/** A list; items with problems become `invalid` fields, so that the others are still checked. */
export function list<T>(item: Decoder<T>, expects: string, min = 0): Decoder<readonly Field<T>[]> {
  return {
    expects,
    jsonSchema: { type: 'array', items: item.jsonSchema, ...(min > 0 && { minItems: min }) },
    decode(at, source) {
      const found = source.resolve(at);
      if (found === undefined) return undefined;
      if (found.node?.kind !== 'list') return wrongKind(found, source, expects);
      if (found.node.items.length < min) {
        source.report(found, 'the list is empty', expects);
        return undefined;
      }
      return found.node.items.map((node, index) => {
        return decodeField(item, placeOf(node, found.offset, `${found.path}[${index}]`), source);
      });
    },
  };
}

/** The values of a list's items that are sound. */
export function valuesOf<T>(fields: readonly Field<T>[]): readonly T[] {
  return fields.flatMap((field) => (field.kind === 'value' ? [field.value] : []));
}

/** The sound values of a list that may be absent or wrong. */
export function itemsOf<T>(field: Field<readonly Field<T>[]>): readonly T[] {
  return valuesOf(soundValue(field) ?? []);
}

/** One entry of a map whose keys are the operator's own. */
export interface Entry<T> {
  readonly key: string;
  readonly keyPlace: Place;
  readonly field: Field<T>;
}

/** A map from names of the operator's choice to values. Keys are checked by the caller, values by `value`. */
export function record<T>(value: Decoder<T>, expects: string, keyPattern: string): Decoder<readonly Entry<T>[]> {
  return {
    expects,
    jsonSchema: { type: 'object', propertyNames: { pattern: keyPattern }, additionalProperties: value.jsonSchema },
    decode(at, source) {
      const found = mapAt(at, source, expects);
      if (found === undefined) return undefined;
      return mergedEntries(found.node, found.path, source).map(({ name, keyPlace, place }) => {
        return { key: name, keyPlace, field: decodeField(value, place, source) };
      });
    },
  };
}

/** A value that may be written in several forms, told apart by what it is in YAML. */
export function byKind<T>(
  expects: string,
  forms: { readonly scalar?: Decoder<T>; readonly map?: Decoder<T>; readonly list?: Decoder<T> },
): Decoder<T> {
  const decoders = [forms.scalar, forms.map, forms.list].filter((form) => form !== undefined);
  return {
    expects,
    jsonSchema: { anyOf: decoders.map((decoder) => decoder.jsonSchema) },
    decode(at, source) {
      const found = source.resolve(at);
      if (found === undefined) return undefined;
      const kind = found.node?.kind;
      const form = kind === 'map' ? forms.map : kind === 'list' ? forms.list : forms.scalar;
      return form === undefined ? wrongKind(found, source, expects) : form.decode(found, source);
    },
  };
}

/** A map in one of two shapes, told apart by whether `key` is there. */
export function byKey<T>(key: string, withKey: Decoder<T>, without: Decoder<T>): Decoder<T> {
  return {
    expects: without.expects,
    jsonSchema: { anyOf: [without.jsonSchema, withKey.jsonSchema] },
    decode(at, source) {
      const found = source.resolve(at);
      if (found === undefined) return undefined;
      const isWith =
        found.node?.kind === 'map' && mergedEntries(found.node, found.path, source).some(({ name }) => name === key);
      return (isWith ? withKey : without).decode(found, source);
    },
  };
}
