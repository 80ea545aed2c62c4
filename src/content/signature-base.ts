import { type InnerList, isInnerList, parseDictionary, serializeInnerList, serializeItem } from 'structured-headers';

/** A request as its signer saw it. */
export interface SignedRequest {
  /** Upper case. */
  readonly method: string;
  /** As clients see it: `https://api.example.com`. */
  readonly origin: string;
  readonly path: string;
  /** With its `?`, as sent; empty without one. */
  readonly query: string;
  /** Flat list of names and values, as sent. */
  readonly rawHeaders: readonly string[];
}

/** A part of a request that a signature covers. */
export interface Component {
  readonly name: string;
  /** Which member of a dictionary field; `undefined` for the whole. */
  readonly key: string | undefined;
}

/** The parts that an inner list of `Signature-Input` names; `undefined` where one is not understood or there twice. */
export function componentsOf([items]: InnerList): readonly Component[] | undefined {
  const components: Component[] = [];
  for (const [name, parameters] of items) {
    const key = parameters.get('key');
    if (typeof name !== 'string' || name !== name.toLowerCase()) return undefined;
    // `sf`, `bs`, `req` and `tr` ask for another reading of the field.
    if (parameters.size > (key === undefined ? 0 : 1)) return undefined;
    if (key !== undefined && (typeof key !== 'string' || name.startsWith('@'))) return undefined;
    if (components.some((each) => each.name === name && each.key === key)) return undefined;
    components.push({ name, key });
  }
  return components;
}

/**
 * The text that was signed; `undefined` where a part is not in the request.
 *
 * @see RFC 9421 §2.5
 */
export function signatureBase(
  request: SignedRequest,
  input: InnerList,
  components: readonly Component[],
): string | undefined {
  const [items] = input;
  const lines: string[] = [];
  for (const [index, component] of components.entries()) {
    const item = items[index];
    const value = componentValue(request, component);
    if (value === undefined || item === undefined) return undefined;
    lines.push(`${serializeItem(item)}: ${value}`);
  }
  return [...lines, `"@signature-params": ${serializeInnerList(input)}`].join('\n');
}

/** All values of a header, in the one form that is signed; `undefined` where it is not there. */
export function fieldOf(rawHeaders: readonly string[], name: string): string | undefined {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() === name) values.push((rawHeaders[index + 1] ?? '').trim());
  return values.length === 0 ? undefined : values.join(', ');
}

/** @see RFC 9421 §2.1, §2.2 */
function componentValue(
  { method, origin, path, query, rawHeaders }: SignedRequest,
  component: Component,
): string | undefined {
  const { name, key } = component;
  switch (name) {
    case '@method':
      return method;
    case '@authority':
      // Lower case, and without the port that its scheme has anyway.
      return new URL(origin).host;
    case '@scheme':
      return new URL(origin).protocol.slice(0, -1);
    case '@target-uri':
      return new URL(origin).origin + path + query;
    case '@path':
      return path;
    case '@query':
      return query === '' ? '?' : query;
    default: {
      const field = name.startsWith('@') ? undefined : fieldOf(rawHeaders, name);
      return field === undefined || key === undefined ? field : memberOf(field, key);
    }
  }
}

function memberOf(field: string, key: string): string | undefined {
  const member = parseDictionary(field).get(key);
  if (member === undefined) return undefined;
  return isInnerList(member) ? serializeInnerList(member) : serializeItem(member);
}
