import type { Parsed } from '../domain/price.ts';
import { type Decoder, type Fields, map } from './decoder.ts';
import { list } from './forms.ts';
import { text } from './text.ts';
import { parseHttpUrl, URL_PATTERN } from './url.ts';

/** What is shorter could be guessed. */
const MIN_SECRET_BYTES = 16;
const SECRET_RIGHT = `whsec_ and at least ${MIN_SECRET_BYTES} random bytes in base64, or a text as long, such as \${HOOK_SECRET}`;
const URL_RIGHT = 'an https URL such as https://shop.example.com/turnpike';
const SECRET_PREFIX = 'whsec_';

/** The keys of an entry of `webhooks`. */
export const webhookKeys = map('a map with url and secret', {
  url: {
    decoder: text({
      expects: URL_RIGHT,
      pattern: URL_PATTERN,
      parse: (given) => parseHttpUrl(given, { path: true, right: URL_RIGHT }),
    }),
    required: true,
    description: 'Where the messages are sent, by `POST`. `http` on this machine only. Redirects are not followed.',
    examples: ['https://shop.example.com/turnpike'],
  },
  secret: {
    decoder: text({ expects: SECRET_RIGHT, secret: 'parser', parse: parseSecret }),
    required: true,
    description: 'What the messages are signed with: `echo whsec_$(openssl rand -base64 32)`.',
    examples: [`\${HOOK_SECRET}`],
  },
  routes: {
    decoder: list(
      text({ expects: 'the name of a priced route', parse: (value): Parsed<string> => ({ ok: true, value }) }),
      'a list of names of routes',
      1,
    ),
    description: 'Whose payments it hears of. Default: all.',
  },
});

/** One receiver as it was found. */
export type WebhookFields = Fields<(typeof webhookKeys)['keys']>;

/** The receivers of webhooks. */
export const webhooks: ReturnType<typeof list<WebhookFields>> = list(
  webhookKeys satisfies Decoder<WebhookFields>,
  'a list of maps with url and secret',
);

/** Reads a secret into base64. A message about it never shows it. */
function parseSecret(given: string): Parsed<string> {
  const wrong = (why: string): Parsed<string> => ({ ok: false, wrong: why, right: SECRET_RIGHT });
  const encoded = given.startsWith(SECRET_PREFIX) ? given.slice(SECRET_PREFIX.length) : undefined;
  if (encoded !== undefined && !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded))
    return wrong('what follows whsec_ is no base64');
  const bytes = encoded === undefined ? Buffer.from(given, 'utf8') : Buffer.from(encoded, 'base64');
  if (bytes.length < MIN_SECRET_BYTES) return wrong(`the secret has only ${bytes.length} bytes`);
  // A word that was typed over and over: no random bytes have so few different ones.
  if (new Set(bytes).size < 8) return wrong('the secret is not random');
  return { ok: true, value: bytes.toString('base64') };
}
