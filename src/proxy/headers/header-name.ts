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
  /**
   * For a name that payment protocols share with APIs: removes the protocols' part of a value. Returns the same text
   * where there is none, and an empty text where nothing else is left.
   */
  readonly foreign: ((value: string) => string) | undefined;
}

/** The value of a header without the payment protocols' part; `undefined` where nothing is left to pass on. */
export function foreignOf({ foreign }: HeaderName, value: string): string | undefined {
  const left = foreign === undefined ? value : foreign(value);
  return left === '' && value !== '' ? undefined : left;
}

/** The names that payment protocols use, as the lists of `names.ts` have them. */
export interface PaymentNames {
  /** Removed with any value. */
  readonly whole: ReadonlySet<string>;
  /** Only what the rules leave of a value goes on. */
  readonly shared: ReadonlyMap<string, readonly ((value: string) => string)[]>;
}

/** Most names that are remembered, and the longest: the same few come with every message. */
const MOST_KNOWN = 1024;
const LONGEST_KNOWN = 64;

/** Makes the reader of names, in any case. */
export function headerNames(payment: PaymentNames): (name: string) => HeaderName {
  return remember(
    MOST_KNOWN,
    (name) => classify(name.toLowerCase(), payment),
    ({ length }) => length <= LONGEST_KNOWN,
  );
}

function classify(lower: string, payment: PaymentNames): HeaderName {
  const key = canonical(lower);
  const isOwn = key.startsWith(OWN_PREFIX) || payment.whole.has(key);
  const rules = payment.shared.get(key);
  return {
    lower,
    key,
    isRelayed: !isOwn && !NEVER_RELAYED.has(key),
    forwarded: isOwn ? 'never' : forwardedBy(lower, key),
    foreign: rules && ((value) => rules.reduce((left, foreignOf) => foreignOf(left), value)),
  };
}

function forwardedBy(lower: string, key: string): HeaderName['forwarded'] {
  const isTwin = key !== lower;
  if (NEVER_FORWARDED.has(key) || OVERRIDE_NAME.test(key)) return 'never';
  if (key.startsWith(FORWARDING_PREFIX) || FORWARDING.has(key)) return isTwin ? 'never' : 'from trusted peers';
  return isTwin && key === FRAMING ? 'never' : 'always';
}
