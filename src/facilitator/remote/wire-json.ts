import type { Json, JsonObject } from '../../domain/x402.ts';

/** Deepest nesting that is read. Protocol answers have three levels, extensions a few more. */
const MAX_DEPTH = 24;
/** One decoder for all answers: it keeps no state between two texts. */
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads JSON that a facilitator sent: strict UTF-8, at most {@link MAX_DEPTH} deep, and no `__proto__` key, which a
 * later merge could turn into an object's prototype. The transport limits the size. `undefined` for anything else.
 */
export function readWireJson(body: Uint8Array): Json | undefined {
  try {
    const value: unknown = JSON.parse(UTF8.decode(body));
    return isTame(value, MAX_DEPTH) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The texts and the signs of JSON; what is between them is blank, a number or a word. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs;

/**
 * Whether an object has a member twice at its top: two readers take such an answer for two different ones. For text
 * that {@link readWireJson} reads.
 */
export function repeatsMember(body: Uint8Array): boolean {
  const seen = new Set<unknown>();
  let depth = 0;
  let text = '';
  for (const [token] of UTF8.decode(body).matchAll(TOKEN)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (token !== ':') text = token;
    else if (depth === 1) {
      const name: unknown = JSON.parse(text);
      if (seen.has(name)) return true;
      seen.add(name);
    }
  }
  return false;
}

/** A member that the object itself has; `null` counts as absent, since facilitators write either. */
export function member(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined;
}

function isTame(value: unknown, depth: number): value is Json {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0 || Object.hasOwn(value, '__proto__')) return false;
  return Object.values(value).every((entry) => isTame(entry, depth - 1));
}
