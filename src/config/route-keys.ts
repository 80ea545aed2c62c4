import { ENCODED_CHARACTERS } from '../domain/encoded-path.ts';
import type { Parsed } from '../domain/price.ts';
import type { PathRewrite } from '../domain/route.ts';
import { access } from './access-keys.ts';
import type { AssetTable } from './asset-table.ts';
import { builderCode } from './builder-code-keys.ts';
import { knownCustomers } from './customer-keys.ts';
import { complete, type Decoder, type Field, type Fields, map } from './decoder.ts';
import { chargeRule, enforcement, identifierRule, keepAnswers, settleMode, verifyMode } from './delivery-keys.ts';
import { duration } from './duration.ts';
import { list } from './forms.ts';
import { hostName } from './listen-keys.ts';
import { mcpKeys } from './mcp-keys.ts';
import { nameText } from './name-text.ts';
import { neverMatches, PATH_PATTERN, parsePathPattern } from './path-pattern.ts';
import { payees } from './payee-keys.ts';
import { acceptsDecoder, price } from './payment-keys.ts';
import { protocols } from './protocol-keys.ts';
import { routeDiscovery } from './route-discovery-keys.ts';
import { flag, text, word } from './text.ts';
import { upstream } from './upstream-keys.ts';
import { freeQuota } from './use-limit-keys.ts';
import { when } from './when-keys.ts';

/** The methods that the gateway forwards. CONNECT and TRACE reach no API through a proxy that is safe. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const MAX_DESCRIPTION = 500;

const method: Decoder<string> = {
  ...word(METHODS),
  decode: text({ expects: 'a method such as GET', parse: parseMethod }).decode,
};

const path = text({ expects: 'a path such as /v1/weather/:city', pattern: PATH_PATTERN, parse: parsePathPattern });

const routeName = nameText({
  kind: 'a route name',
  signs: '._/-',
  most: 100,
  right: 'a name of up to 100 letters, digits and . _ / -',
});

const description = text({
  expects: `a text of up to ${MAX_DESCRIPTION} characters`,
  schema: { maxLength: MAX_DESCRIPTION + 1 },
  multiline: true,
  parse: parseDescription,
});

const mimeType = text({
  expects: 'a media type such as application/json',
  pattern: '[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:; ?[A-Za-z0-9!#$&^_.+-]+=[A-Za-z0-9!#$&^_.+-]+)*',
  parse: (given): Parsed<string> =>
    /^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+(?:; ?[A-Za-z0-9!#$&^_.+-]+=[A-Za-z0-9!#$&^_.+-]+)*$/.test(given)
      ? { ok: true, value: given }
      : {
          ok: false,
          wrong: `${JSON.stringify(given)} is not a media type`,
          right: 'a media type such as application/json',
        },
});

const prefix = text({ expects: 'a path such as /v1', pattern: '/|(?:/[^\\s*?#;/\\\\]+)+', parse: parsePrefix });

/** The keys of `rewrite`. */
export const rewriteKeys = map('a map with from and to', {
  from: { decoder: prefix, required: true, description: 'Front of the path, in whole segments.' },
  to: { decoder: prefix, required: true, description: 'What stands there when it is forwarded.' },
});

const entryName = nameText({
  kind: 'a name of a price',
  signs: '._-',
  most: 50,
  right: 'a name of up to 50 letters, digits and . _ -',
});

/** The keys of one entry of `prices`. */
function priceKeys(table: AssetTable) {
  const { description: text, accepts, payTo, settle, verify, charge, access: pass } = routeKeyParts(table);
  return map('a price: a map with when and price', {
    when: {
      decoder: when,
      description: 'Conditions, all of which have to hold. Without it the entry is for the rest of the requests.',
    },
    price: {
      decoder: price,
      required: true,
      description: 'What it costs, as on a route.',
      examples: ['$0.001'],
    },
    name: {
      decoder: entryName,
      description: 'Stable id for metrics, ledger and passes: `route#name`. Default: from the conditions.',
    },
    description: text,
    accepts: { ...accepts, description: 'Ways to pay. Default: those of the route.' },
    payTo: { ...payTo, description: 'Who is paid. Default: as on the route.' },
    settle: { ...settle, description: 'When the money moves. Default: as on the route.' },
    verify: { ...verify, description: 'Default: as on the route.' },
    charge,
    access: pass,
  });
}

/** One entry of `prices` as it was found. */
export type PriceEntryFields = Fields<ReturnType<typeof priceKeys>['keys']>;

/** The keys of one route. */
export function routeKeys(table: AssetTable) {
  return map('a route: a map with path and price', routeKeyTable(table), {
    later: { when: 'conditions stand in the entries of prices' },
  });
}

/** The keys about money that a route and its prices have. */
function routeKeyParts(table: AssetTable) {
  return {
    description: { decoder: description, description: 'What a buyer gets; shown in the 402.' },
    accepts: { decoder: acceptsDecoder(table), description: 'Ways to pay. Default: `accepts` of the file.' },
    payTo: { decoder: payees, description: 'Who is paid. Default: `payTo` of the file.' },
    settle: { decoder: settleMode, description: 'When the money moves. Default: `settle` of the file.' },
    verify: { decoder: verifyMode, description: 'Default: `verify` of the file.' },
    charge: {
      decoder: chargeRule,
      description:
        'Statuses of the API that are charged; others are relayed and not charged. With `settle: before` the payment then stays good for `retryWindow`. Default: `[2xx]`.',
      examples: [['2xx', '302'], { unlessJson: { '/error': 'present' } }],
    },
    access: {
      decoder: access,
      description: 'Sells a [pass](access.md) with each payment: pay once, come back until time or requests run out.',
      examples: [{ for: '1h', requests: 1000 }],
    },
  } as const;
}

function routeKeyTable(table: AssetTable) {
  const { description, accepts, payTo, settle, verify, charge, access: pass } = routeKeyParts(table);
  return {
    path: {
      decoder: path,
      required: true,
      description:
        'Case-sensitive. `:name` is one segment, `{name}` a part of one (`report.{format}`), a trailing `/*` the rest and the bare prefix.',
      examples: ['/v1/weather/:city', '/v1/reports/*'],
    },
    methods: {
      decoder: list(method, 'a list such as [GET, POST]', 1),
      description: 'Methods in upper case. `GET` answers `HEAD` too. Default: every method.',
    },
    encoded: {
      decoder: list(word(ENCODED_CHARACTERS), 'a list such as [slash, semicolon]', 1),
      description:
        'What a path may hold below a `/*`: `slash` (`%2F`), `backslash` (`%5C`), `semicolon` (`;`, `%3B`), `empty` (`//`). Matched undecoded, forwarded as it came. Only where everything below has one price. Default: none.',
      examples: [['slash', 'semicolon']],
    },
    host: { decoder: hostName, description: 'Default: every host.' },
    price: {
      decoder: price,
      description: 'What one [call costs](#prices). This, `prices` or `mcp` is required.',
      examples: ['free', '$0.001', '0.25 USDC'],
    },
    prices: {
      decoder: list(priceKeys(table), 'a list of prices with conditions', 1),
      description: 'Several prices: the first whose `when` fits decides. See [prices.md](prices.md).',
    },
    mcp: {
      decoder: mcpKeys,
      description: 'Sells the tools, resources and prompts of an [MCP server](mcp.md).',
      examples: [{ tools: { search: '$0.01', 'image_*': '$0.05' }, otherwise: 'free' }],
    },
    name: {
      decoder: routeName,
      description: 'Stable id for metrics and the ledger. Default: from methods, host and path.',
    },
    description,
    discovery: {
      decoder: routeDiscovery,
      description:
        'What agents and catalogues are told of its calls, see [discovery.md](discovery.md#said-by-a-route). `off` hides the route from them. Default: `discovery` of the file.',
      examples: ['off', { input: { query: { units: 'metric' } }, output: { celsius: 7 } }],
    },
    mimeType: {
      decoder: mimeType,
      description: 'Media type of the answer; shown in the 402.',
      examples: ['application/json'],
    },
    accepts,
    payTo,
    protocols: { decoder: protocols, description: 'How it is paid. Default: `protocols` of the file.' },
    upstream: { decoder: upstream, description: 'Where this route goes. Default: `upstream` of the file.' },
    settle,
    verify,
    charge,
    idempotent: {
      decoder: flag,
      description:
        'Whether the API carries out a call once that is sent twice. Then a paid call of any method is sent again when its answer did not arrive. Default: `false`.',
    },
    keepAnswers: {
      decoder: keepAnswers,
      description: 'Default: `keepAnswers` of the file.',
    },
    paymentIdentifier: {
      decoder: identifierRule,
      description: 'Default: `paymentIdentifier` of the file.',
    },
    builderCode: {
      decoder: builderCode,
      description: 'Default: `builderCode` of the file.',
    },
    enforce: {
      decoder: enforcement,
      description: 'How many clients are charged. Default: `enforce` of the file.',
    },
    access: pass,
    free: {
      decoder: freeQuota,
      description: 'How many requests each client has for nothing. See [prices.md](prices.md#free-requests).',
      examples: [{ requests: 20, per: 'day' }],
    },
    keys: {
      decoder: knownCustomers,
      description: 'Known customers, who need not pay. See [prices.md](prices.md#keys-of-customers).',
      examples: [{ header: 'X-Api-Key', sha256: `\${file:/run/keys.txt}` }],
    },
    timeout: {
      decoder: duration,
      description: "How long until the API's response headers. Default: that of the upstream.",
    },
    rewrite: {
      decoder: complete(rewriteKeys, (rewrite): PathRewrite => rewrite),
      description: 'Replaces the front `from` of a path, whole segments, by `to` before it is forwarded.',
    },
  } as const;
}

/** One route as it was found: what is sound of it is checked against the others even when something else is wrong. */
export type RouteFields = Fields<ReturnType<typeof routeKeyTable>>;

/** The price table. */
export function routesDecoder(table: AssetTable): Decoder<readonly Field<RouteFields>[]> {
  return list(routeKeys(table), 'a list of at least one route', 1);
}

function parseMethod(given: string): Parsed<string> {
  const known = METHODS.find((candidate) => candidate === given.toUpperCase());
  if (known === given) return { ok: true, value: given };
  if (known !== undefined)
    return { ok: false, wrong: `methods are upper case, ${given} would never match`, right: known };
  return {
    ok: false,
    wrong: `the gateway does not forward the method ${JSON.stringify(given)}`,
    right: `one of ${METHODS.join(', ')}`,
  };
}

function parseDescription(given: string): Parsed<string> {
  // A block scalar ends in a line break, which is not meant.
  const line = given.replace(/\n$/, '');
  const right = `one line of up to ${MAX_DESCRIPTION} characters`;
  if (/[\r\n\t]/.test(line)) return { ok: false, wrong: 'the description holds a line break or a tab', right };
  if (line.length > MAX_DESCRIPTION)
    return { ok: false, wrong: `the description has ${line.length} characters`, right };
  return { ok: true, value: line };
}

function parsePrefix(given: string): Parsed<string> {
  const right = 'a path such as /v1, without a trailing slash';
  const refuse = (wrong: string): Parsed<string> => ({ ok: false, wrong, right });
  if (!given.startsWith('/')) return refuse(`${JSON.stringify(given)} does not begin with /`);
  if (given.length > 1 && given.endsWith('/')) return refuse(`${JSON.stringify(given)} ends with /`);
  if (given.includes('*')) return refuse('a rewrite takes no *');
  const never = neverMatches(given);
  return never === undefined ? { ok: true, value: given } : refuse(never.wrong);
}
