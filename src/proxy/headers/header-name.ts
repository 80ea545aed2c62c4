import { remember } from '../../domain/remember.ts';
import {
  canonical,
  FORWARDING,
  FORWARDING_PREFIX,
  FRAMING,
  NEVER_FORWARDED,
  NEVER_RELAYED,
  OVERRIDE_NAME,
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

/** Most names that are remembered, and the longest: the same few come with every message. */
const MOST_KNOWN = 1024;
const LONGEST_KNOWN = 64;

/** Reads a name, in any case. */
export const readHeaderName: (name: string) => HeaderName = remember(
  MOST_KNOWN,
  (name) => classify(name.toLowerCase()),
  ({ length }) => length <= LONGEST_KNOWN,
);

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
  if (NEVER_FORWARDED.has(key) || OVERRIDE_NAME.test(key)) return 'never';
  if (key.startsWith(FORWARDING_PREFIX) || FORWARDING.has(key)) return isTwin ? 'never' : 'from trusted peers';
  return isTwin && key === FRAMING ? 'never' : 'always';
}
