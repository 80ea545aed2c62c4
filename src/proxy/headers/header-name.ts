import {
  canonical,
  FORWARDING,
  FORWARDING_PREFIX,
  FRAMING,
  NEVER_FORWARDED,
  NEVER_RELAYED,
  OWN_PREFIX,
} from './names.ts';

/** What a header's name means to the gateway, in both directions. */
export interface HeaderName {
  readonly lower: string;
  /** As the lists of `names.ts` have it. */
  readonly key: string;
  /** Whether the client may see it, as far as its name says. */
  readonly isRelayed: boolean;
  /** Whether the upstream may see it: always, never, or when it comes from a trusted peer. */
  readonly forwarded: 'always' | 'never' | 'from trusted peers';
}

/** Names that were read before: the same few come with every message. */
const known = new Map<string, HeaderName>();
/** Most that are remembered, and the longest; whoever sends others makes them be read anew. */
const MOST_KNOWN = 1024;
const LONGEST_KNOWN = 64;

/** Reads a name, in any case. */
export function readHeaderName(name: string): HeaderName {
  const before = known.get(name);
  if (before !== undefined) return before;
  const read = classify(name.toLowerCase());
  if (name.length > LONGEST_KNOWN) return read;
  if (known.size === MOST_KNOWN) known.clear();
  known.set(name, read);
  return read;
}

function classify(lower: string): HeaderName {
  const key = canonical(lower);
  const isOwn = key.startsWith(OWN_PREFIX);
  return {
    lower,
    key,
    isRelayed: !isOwn && !NEVER_RELAYED.has(key),
    forwarded: isOwn ? 'never' : forwardedBy(lower, key),
  };
}

function forwardedBy(lower: string, key: string): HeaderName['forwarded'] {
  const isTwin = key !== lower;
  if (NEVER_FORWARDED.has(key)) return 'never';
  if (key.startsWith(FORWARDING_PREFIX) || FORWARDING.has(key)) return isTwin ? 'never' : 'from trusted peers';
  return isTwin && key === FRAMING ? 'never' : 'always';
}
