import type { ListenAddress } from '../domain/plan.ts';
import type { Parsed } from '../domain/price.ts';
import { complete, type Decoder, map, mapped } from './decoder.ts';
import { byKind, list, valuesOf } from './forms.ts';
import { adminAddress, hostName, listenAddress } from './listen-keys.ts';
import { text, word } from './text.ts';

/** Fewest characters of a token: what is shorter could be guessed. */
const LEAST_TOKEN = 24;
const TOKEN_RIGHT = `${LEAST_TOKEN} to 256 letters, digits and . _ ~ + / = -, such as \${file:/run/secrets/admin-token}`;
const TOKEN = '[A-Za-z0-9._~+/=-]';
const EXPECTS = 'an address and port such as 127.0.0.1:9402, off, or a map such as {listen: 0.0.0.0:9402, token: …}';

/** The admin listener, as written. */
export interface AdminDraft {
  readonly listen: ListenAddress;
  /** `undefined`: where it can be served safely. */
  readonly page: 'on' | 'off' | undefined;
  readonly token: string | undefined;
  readonly hosts: readonly string[];
}

const token = text({
  expects: TOKEN_RIGHT,
  pattern: `${TOKEN}{${LEAST_TOKEN},256}`,
  secret: 'parser',
  parse: (given): Parsed<string> => {
    if (given.length < LEAST_TOKEN)
      return { ok: false, wrong: `the token has ${given.length} characters`, right: TOKEN_RIGHT };
    return new RegExp(`^${TOKEN}{1,256}$`).test(given)
      ? { ok: true, value: given }
      : { ok: false, wrong: 'the token is too long or holds other characters', right: TOKEN_RIGHT };
  },
});

/** The keys of `admin`. */
export const adminKeys = map(EXPECTS, {
  listen: { decoder: listenAddress, default: '127.0.0.1:9402', description: 'Where it listens.' },
  page: {
    decoder: word(['on', 'off']),
    description:
      'Whether the admin page and its API are served. Default: `on` with a `token`, or on loopback. `on` elsewhere needs a `token`.',
  },
  token: {
    decoder: token,
    description:
      'The secret that the page asks for. Without it the page changes nothing. Probes and `/metrics` never need it.',
    examples: [`\${file:/run/secrets/admin-token}`],
  },
  hosts: {
    decoder: list(hostName, 'a list such as [admin.example.com]'),
    description: 'As `adminHosts`.',
  },
});

/** The admin listener; `'off'` for none. */
export const admin: Decoder<AdminDraft | 'off'> = byKind<AdminDraft | 'off'>(EXPECTS, {
  scalar: mapped(adminAddress, (given) => {
    return given === 'off' ? given : { listen: given, page: undefined, token: undefined, hosts: [] };
  }),
  map: complete(adminKeys, ({ hosts = [], ...values }) => ({
    ...values,
    hosts: valuesOf(hosts),
  })),
});
