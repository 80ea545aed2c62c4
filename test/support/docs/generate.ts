// Writes config/gateway.schema.json and docs/configuration.md from the decoders, and the import layers of biome.json from
// docs/architecture.md, fills the tables of error codes, and copies the alert rules and the dashboard into the chart: `npm run docs`.
import { copyFileSync, writeFileSync } from 'node:fs';
import { accessKeys, accessTokenKeys } from '../../../src/config/access-keys.ts';
import { adminKeys } from '../../../src/config/admin-keys.ts';
import { readAssetTable } from '../../../src/config/asset-table.ts';
import type { Keys } from '../../../src/config/decoder.ts';
import { deferredKeys } from '../../../src/config/delivery-keys.ts';
import { remoteKeys } from '../../../src/config/facilitator-keys.ts';
import { gatewayKeys } from '../../../src/config/gateway-keys.ts';
import { configSchema } from '../../../src/config/json-schema.ts';
import { limitKeys } from '../../../src/config/limit-keys.ts';
import { localKeys } from '../../../src/config/local-facilitator-keys.ts';
import { acceptKeys, assetKeys } from '../../../src/config/payment-keys.ts';
import { receiptKeys } from '../../../src/config/receipt-keys.ts';
import { routeKeys } from '../../../src/config/route-keys.ts';
import { tracingKeys } from '../../../src/config/tracing-keys.ts';
import { upstreamKeys } from '../../../src/config/upstream-keys.ts';
import { tlsKeys } from '../../../src/config/upstream-tls-keys.ts';
import { builtIn } from '../../../src/registry.ts';
import { ERROR_PAGES, withErrorTable } from './error-tables.ts';
import { biomeJson } from './layers.ts';
import { readRepositoryFile, repositoryPath } from './markdown.ts';

const table = readAssetTable();

const INTRODUCTION = `# Configuration

One YAML 1.2 file describes the gateway. \`turnpike check\` reports everything that is wrong with it, with line and column; a gateway with a problem in
its file does not start. Begin with \`gateway.example.yaml\`. Editors check the file against \`config/gateway.schema.json\`:

    # yaml-language-server: $schema=./config/gateway.schema.json

Nothing is free by mistake: only the word \`free\` makes a route free, and an unknown key is a problem.

## Values

- \`\${NAME}\` takes an environment variable, \`\${file:/path}\` the content of a file, without a last line break, in every text value. A missing
  or empty one is a problem. \`$\${\` stands for a literal \`\${\`.
- Addresses, amounts in atomic units and EIP-712 versions need quotes, or YAML reads a number.
- Durations: \`250ms\`, \`30s\`, \`5m\`, \`1h\`, \`90d\`. Sizes: \`64KB\`, \`1MB\` or a number of bytes; KB is 1024 bytes.

## Paths

Case-sensitive. \`:name\` is exactly one segment, a trailing \`/*\` is the rest and the bare prefix. The most specific route wins,
whatever the order: host before no host, a literal segment before \`:name\`, \`:name\` before \`/*\`. Paths are written in the
canonical form that requests are matched in: unreserved characters as they are, other escapes in upper-case hex. Two routes that
match the same requests, and a route that can never match, are problems.

## TLS, HTTP/2, PROXY protocol and unix sockets

\`tls: { cert: \${file:…}, key: \${file:…} }\` speaks TLS (1.2 or later) and HTTP/2 on \`listen\`. New files are followed. Requests of HTTP/2
are served as those of HTTP/1.1 ([http.md](http.md)). WebSockets come over HTTP/1.1; **gRPC does not pass.**

\`listen\` and \`admin\` also take \`unix:/run/turnpike.sock\`. List \`unix\` under \`trustedProxies\` to believe a proxy that connects there; else all its
clients count as one. With \`proxyProtocol: true\` the addresses under \`trustedProxies\` must begin each connection with a PROXY header; the client
that it names is then the peer, trusted only if it is listed itself.

## Proxies of the environment

\`HTTPS_PROXY\` and \`HTTP_PROXY\` name the proxy for \`https\` and \`http\` URLs of facilitators, nodes and webhook receivers, by a tunnel (\`CONNECT\`) each.
\`NO_PROXY\` lists who is asked directly: hosts with those below them, hosts with a port, addresses, CIDR blocks, or \`*\`; this machine,
upstreams and trace collectors always are. \`check\` and \`start\` say who is. \`turnpike check
--online\` asks every facilitator, node and upstream once, and ends with 1 if one fails.

## Prices

| form | means |
|---|---|
| \`free\` | costs nothing; the only way to say so |
| \`$0.001\` | US dollars, in the stablecoin that the route accepts on each network |
| \`0.25 USDC\` | an amount of that token |
| \`{amount: "10000", asset: "0x…"}\` | atomic units of one of the accepted tokens |

Decimal and exact: a price with more digits than the asset has is refused, never rounded.

## Shadow mode

\`enforce: off\` tries a price table on real traffic: everything is decided and measured, nobody is charged. Requests that would get 402 are forwarded, and
so are those with a payment, which is checked and not claimed. The log has \`outcome: shadow\`, \`decision\` and \`wouldCharge\`; \`turnpike_shadow_total\` and
\`turnpike_shadow_revenue_atomic_total\` add them up. Bad paths and unknown routes are refused.

\`enforce: 25%\` charges a quarter of the clients, by address (of IPv6 the /64), the same on every route and replica; raising the share only adds clients.

## What \`turnpike check\` warns of

What a sound file may give away; the gateway starts all the same:

- a priced path beside a free \`/*\` or \`unmatched: pass\`: an API that ignores case or a final slash serves \`/V1/a\` as \`/v1/a\`, free of charge;
- a priced route with a \`host\` beside one of those: clients choose their \`Host\`;
- \`settle: after\` on methods such as \`POST\`, unless \`idempotent\`: who leaves before the answer has had the work done unpaid;
- \`store: memory\` with priced routes.

## Answers that did not arrive

The same payment, sent again within \`retryWindow\`, is not charged again. The call is forwarded again where that does no harm: safe methods such as
\`GET\`, calls that the API never got, routes with \`idempotent: true\`. Else the answer comes from the ledger (\`keepAnswers\`), or is lost: 409
\`delivery_unknown\`.

## Stores

| form | means |
|---|---|
| \`sqlite:./turnpike.db\` | a file, relative to the working directory, on a local disk (in a pod: a persistent volume); for one machine with any number of workers |
| \`postgres://user:password@host/database\` | several replicas that share one ledger. Special characters are percent-encoded; parameters such as \`?sslmode=verify-full\` are the driver's |
| \`memory\` | nothing survives a restart. For tests, with one worker |

Take a database's URL from outside: \`store: \${DATABASE_URL}\`.

## Maps with pages of their own

\`charge\`, \`free\`, \`keys\`, \`agents\` and \`when\`: [prices.md](prices.md). \`price\` with \`upTo\`: [metering.md](metering.md). \`mcp\`: [mcp.md](mcp.md).
\`discovery\` and \`builderCode\`: [discovery.md](discovery.md). \`webhooks\`: [webhooks.md](webhooks.md). \`paywall\`: [pages.md](pages.md). \`mpp\`:
[rails.md](rails.md#mpp). \`log\`: [monitoring.md](monitoring.md#log). Editors show every key of them.
`;

/** Maps that have a table. The others are explained, key by key, on pages of their own, which the introduction names. */
const SECTIONS: readonly (readonly [title: string, keys: Keys])[] = [
  ['Keys of the file', gatewayKeys(table, builtIn).keys],
  ['`admin`, as a map', adminKeys.keys],
  ['Keys of a route', routeKeys(table).keys],
  ['An entry of `accepts`', acceptKeys(table).keys],
  ['`asset`, long form', assetKeys.keys],
  ['`upstream`, long form', upstreamKeys.keys],
  ['`upstream.tls`', tlsKeys.keys],
  ['`facilitator`, long form', remoteKeys(table).keys],
  ['`facilitator.local`', localKeys(table).keys],
  ['`receipts`', receiptKeys.keys],
  ['`deferred`', deferredKeys.keys],
  ['`access`', accessKeys.keys],
  ['`accessTokens`', accessTokenKeys.keys],
  ['`tracing`', tracingKeys.keys],
  ['`limits`', limitKeys.keys],
];

/** The text of `config/gateway.schema.json`. */
export function schemaJson(): string {
  return `${JSON.stringify(configSchema(table, builtIn), null, 2)}\n`;
}

/** The text of `docs/configuration.md`. */
export function configurationMarkdown(): string {
  const sections = SECTIONS.map(([title, keys]) => `## ${title}\n\n${keyTable(keys)}`);
  return [INTRODUCTION, ...sections, networkSection()].join('\n');
}

/** Forms that a default shows well enough. */
const SHOWN_BY_DEFAULT = /^(?:duration|size|true or false|on or off|\d+ to \d+|number of gas|gas price)$/;

function keyTable(keys: Keys): string {
  const rows = Object.entries(keys).map(([name, key]) => {
    const { meaning, initial } = splitDefault(key.description);
    const value = key.default === undefined ? initial : `\`${key.default}\``;
    const form = formOf(key.decoder.expects);
    const shown = value !== '' && SHOWN_BY_DEFAULT.test(form) ? '' : cell(form);
    return `| \`${name}\` | ${shown} | ${key.required === true ? '**required**' : value} | ${cell(meaning)} |`;
  });
  return `| key | value | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

/** The last sentence of a description, where it tells the default, stands in a column of its own. */
function splitDefault(description: string): { meaning: string; initial: string } {
  const found = /^(.*?) ?Default: ([^.]*)\.$/s.exec(description);
  if (found === null) return { meaning: description, initial: '' };
  const [, meaning = '', initial = ''] = found;
  return { meaning, initial: initial.replace(/^`\w+` of the file$/, 'that of the file') };
}

function networkSection(): string {
  const byAssets = Map.groupBy(table.networks, ({ assets }) => assets.map(nameOf).join(', '));
  const rows = [...byAssets].map(([assets, networks]) => {
    const names = networks.map(({ name, v1 }) => `\`${name}\`${v1 ? '¹' : ''}`);
    return `| ${names.join(', ')} | ${assets === '' ? '—' : assets} |`;
  });
  return `## Known networks

The first asset of a network is what dollar prices mean there. Networks without one, and other EVM networks by their CAIP-2 identifier, need the
long form of \`asset\`. Clients of x402 v1 know those with ¹. \`config/assets.json\` has identifiers and contracts.

| networks | assets |
|---|---|
${rows.join('\n')}
`;
}

function nameOf({
  symbol,
  transferMethod,
}: {
  readonly symbol: string;
  readonly transferMethod?: string | undefined;
}): string {
  return `${symbol}${transferMethod === 'permit2' ? ' (Permit2)' : ''}`;
}

/** An example behind the name of a form, up to the next form. */
const EXAMPLE = /,? such as (?:[^,{[:]|:(?! )|\{[^}]*\}+|\[[^\]]*\])*/g;

/** What a value looks like, in fewer words than a message needs: an example in brackets shows its own kind. */
function formOf(expects: string): string {
  if (expects.startsWith('a duration such as')) return 'duration';
  if (expects.startsWith('a size such as')) return 'size';
  if (/^(?:a|an) map with /.test(expects)) return 'map';
  if (/^the (?:EIP-712|id|secret) /.test(expects)) return 'text';
  if (expects.startsWith('a list of maps with')) return 'list of maps';
  const shown = expects.replace(/^(?:a|an) (?:list|map) such as (?=[[{])/, '').replace(EXAMPLE, '');
  return shown.replace(/^(?:a|an) /, '').replace(/^whole number from (\d+) to (\d+)/, '$1 to $2');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (import.meta.main) {
  writeFileSync(new URL('../../../config/gateway.schema.json', import.meta.url), schemaJson());
  writeFileSync(new URL('../../../docs/configuration.md', import.meta.url), configurationMarkdown());
  writeFileSync(new URL('../../../biome.json', import.meta.url), biomeJson());
  for (const [page, table] of Object.entries(ERROR_PAGES)) {
    writeFileSync(repositoryPath(page), withErrorTable(readRepositoryFile(page), table()));
  }
  // A chart reads no file outside of its folder.
  for (const name of ['alerts.yaml', 'grafana-dashboard.json']) {
    const [from, to] = [`../../../config/monitoring/${name}`, `../../../config/helm/turnpike/files/${name}`];
    copyFileSync(new URL(from, import.meta.url), new URL(to, import.meta.url));
  }
}
