import type { AccessTokenPlan } from '../domain/access.ts';
import type { Parsed } from '../domain/price.ts';
import { complete, type Decoder, type Field, map } from './decoder.ts';
import { accessPeriod } from './duration.ts';
import { list } from './forms.ts';
import { type Ceiling, ceiling } from './metered-price-keys.ts';
import { nameText } from './name-text.ts';
import type { Source } from './source.ts';
import { integer, text, word } from './text.ts';

/** Most keys that are valid at once: one in use, and those of rotations that are not over yet. */
const MAX_KEYS = 8;
/** As long as the digest that signs tokens; what is shorter could be guessed instead. */
const MIN_KEY_BYTES = 32;
/** Far above any honest pass, and exact in every store. */
const MAX_REQUESTS = 1_000_000_000;
const KEY_RIGHT = `at least ${MIN_KEY_BYTES} random bytes in hex or base64, such as \${file:/run/secrets/access-key}`;
const ACCESS_RIGHT = 'a map such as {for: 1h, requests: 1000}, or {balance: $1}';

/** The pass that a route sells, as written. */
export interface AccessDraft {
  readonly forMs: number | undefined;
  readonly requests: number | undefined;
  /** What is paid ahead for calls of metered prices. */
  readonly balance: Ceiling | undefined;
  /** Routes with the same group share their passes; `undefined` is the route alone. */
  readonly group: string | undefined;
}

/** The keys of `access`. */
export const accessKeys = map(ACCESS_RIGHT, {
  for: { decoder: accessPeriod, description: 'How long the pass opens the route, from the payment on.' },
  requests: {
    decoder: integer(`a whole number from 1 to ${MAX_REQUESTS}`, 1, MAX_REQUESTS),
    description: 'How many requests the pass opens, after the paid one. With `for`: whichever ends first.',
  },
  balance: {
    decoder: ceiling,
    description:
      'For a metered price, alone: what a payment buys ahead, of which each call draws what it used, see [metering.md](metering.md#prepaid-balances).',
    examples: ['$1'],
  },
  scope: {
    decoder: nameText({
      kind: 'a group name',
      signs: '._/-',
      most: 100,
      right: 'a group name of up to 100 letters, digits and . _ / -',
    }),
    description:
      'A group: a pass of one route opens all of them. They cost and sell the same; calls that a balance pays may cost differently. Default: the route alone.',
  },
});

/** The pass that a route sells. */
export const access: Decoder<AccessDraft> = complete(accessKeys, (values, place, source) => {
  const { for: forMs, requests, balance, scope: group } = values;
  const ends = forMs !== undefined || requests !== undefined;
  if (balance !== undefined && ends) {
    source.report(place, 'a balance ends when it is used up, and not before', 'balance alone');
    return undefined;
  }
  if (ends || balance !== undefined) return { forMs, requests, balance, group };
  source.report(place, 'the pass would never end', 'for, requests or both; or balance, for a metered price');
  return undefined;
});

const secretKey: Decoder<string> = text({ expects: KEY_RIGHT, secret: 'parser', parse: parseKey });
const SWITCH = ['on', 'off'] as const;

/** Secrets, the newest first. */
export const secretKeys = list(secretKey, `a list of ${KEY_RIGHT}`, 1);

/** The keys of `accessTokens`. */
export const accessTokenKeys = map('a map with keys, cookie or signIn', {
  keys: {
    decoder: secretKeys,
    description:
      'What tokens are signed with: the first signs, all are valid, see [access.md](access.md#keys). Default: one that the store makes.',
    examples: [[`\${file:/run/secrets/access-key}`]],
  },
  cookie: {
    decoder: word(SWITCH),
    default: 'on',
    description: 'Whether browsers get the token as a cookie.',
  },
  signIn: {
    decoder: word(SWITCH),
    default: 'on',
    description: 'Whether buyers come back by [signing in](access.md#signing-in) with the account that paid.',
  },
});

/** How tokens are signed and carried where the file does not say. */
export const DEFAULT_ACCESS_TOKENS: AccessTokenPlan = { keys: [], cookie: true, signIn: true };

/** How access tokens are signed and carried. */
export const accessTokens: Decoder<AccessTokenPlan> = complete(accessTokenKeys, (values, _place, source) => {
  const { keys = [], cookie, signIn } = values;
  const secrets = secretsOf(keys, source);
  return secrets && { keys: secrets, cookie: cookie === 'on', signIn: signIn === 'on' };
});

/** The secrets of a list, each once; `undefined` where one is not sound. */
export function secretsOf(keys: readonly Field<string>[], source: Source): readonly string[] | undefined {
  const secrets: string[] = [];
  for (const key of keys) {
    // Reported where it stands.
    if (key.kind !== 'value') return undefined;
    if (secrets.includes(key.value)) source.report(key.place, 'the key is listed twice', 'each once');
    if (secrets.length === MAX_KEYS) source.report(key.place, 'there are too many keys', `at most ${MAX_KEYS}`);
    secrets.push(key.value);
  }
  return secrets;
}

/** Reads a secret in hex or in either base64 alphabet into base64url. A message about it never shows it. */
function parseKey(given: string): Parsed<string> {
  const bytes = /^(?:[0-9a-f]{2})+$/i.test(given)
    ? Buffer.from(given, 'hex')
    : /^[A-Za-z0-9+/_-]+={0,2}$/.test(given)
      ? Buffer.from(given, 'base64')
      : undefined;
  if (bytes === undefined) return { ok: false, wrong: 'the key is neither hex nor base64', right: KEY_RIGHT };
  if (bytes.length < MIN_KEY_BYTES)
    return { ok: false, wrong: `the key has only ${bytes.length} bytes`, right: KEY_RIGHT };
  // A pattern typed by hand instead of random bytes: no key of 32 random bytes has so few different ones.
  if (new Set(bytes).size < 8) return { ok: false, wrong: 'the key is not random', right: KEY_RIGHT };
  return { ok: true, value: bytes.toString('base64url') };
}
