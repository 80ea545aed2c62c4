// Writes config/gateway.schema.json and docs/configuration.md from the decoders, and the import layers of biome.json from
// docs/architecture.md, fills the tables of error codes, and copies the alert rules and the dashboard into the chart: `npm run docs`.
import { copyFileSync, writeFileSync } from 'node:fs';
import { accessKeys, accessTokenKeys } from '../../../src/config/access-keys.ts';
import { adminKeys } from '../../../src/config/admin-keys.ts';
import { readAssetTable } from '../../../src/config/asset-table.ts';
import { builderCodeKeys } from '../../../src/config/builder-code-keys.ts';
import { customerKeys } from '../../../src/config/customer-keys.ts';
import type { Keys } from '../../../src/config/decoder.ts';
import { chargeKeys, deferredKeys, keepAnswersKeys } from '../../../src/config/delivery-keys.ts';
import { discoveryKeys } from '../../../src/config/discovery-keys.ts';
import { cdpKeys, remoteKeys } from '../../../src/config/facilitator-keys.ts';
import { gatewayKeys } from '../../../src/config/gateway-keys.ts';
import { configSchema } from '../../../src/config/json-schema.ts';
import { limitKeys } from '../../../src/config/limit-keys.ts';
import { localKeys } from '../../../src/config/local-facilitator-keys.ts';
import { meteredPriceKeys, meterKeys } from '../../../src/config/metered-price-keys.ts';
import { acceptKeys, assetKeys, atomicPriceKeys } from '../../../src/config/payment-keys.ts';
import { receiptKeys } from '../../../src/config/receipt-keys.ts';
import { rewriteKeys, routeKeys } from '../../../src/config/route-keys.ts';
import { tracingKeys } from '../../../src/config/tracing-keys.ts';
import { upstreamKeys } from '../../../src/config/upstream-keys.ts';
import { serverTlsKeys, tlsKeys } from '../../../src/config/upstream-tls-keys.ts';
import { freeKeys } from '../../../src/config/use-limit-keys.ts';
import { webhookKeys } from '../../../src/config/webhook-keys.ts';
import { builtIn } from '../../../src/registry.ts';
import { ERROR_PAGES, withErrorTable } from './error-tables.ts';
import { biomeJson } from './layers.ts';
import { readRepositoryFile, repositoryPath } from './markdown.ts';

const table = readAssetTable();

const INTRODUCTION = `# Configuration

One YAML file describes the gateway: YAML 1.2, one document, no custom tags. \`turnpike check\` reads it without starting and
reports everything that is wrong at once, each with file, line and column. A gateway with a problem in its file does not start.
\`gateway.example.yaml\` is a file to start from.

Editors complete and check the file against \`config/gateway.schema.json\` (also: \`turnpike schema\`):

    # yaml-language-server: $schema=./config/gateway.schema.json

Nothing is free by mistake: \`price\` is required on every route, only the word \`free\` makes a route free, and a key that is not
known is a problem, never ignored.

## Values from outside

\`\${NAME}\` takes an environment variable and \`\${file:/path}\` the content of a file (a Kubernetes secret), without its trailing
line break. They work inside every text value, not in keys. The value is filled in after the YAML was read, so that it can hold
anything but a line break (certificates and keys in PEM may). One that is missing or empty is a problem. \`$\${\` stands for a
literal \`\${\`; a \`$\` before anything else is just a \`$\`.

Addresses, amounts in atomic units and EIP-712 versions are texts: put them in quotes, or YAML reads a number.

Durations have a unit: \`250ms\`, \`30s\`, \`5m\`, \`1h\`, \`90d\`. Sizes are \`64KB\`, \`1MB\` or a plain number of bytes; KB is 1024
bytes.

## Paths

Case-sensitive. \`:name\` is exactly one segment, a trailing \`/*\` is the rest and the bare prefix. The most specific route wins,
whatever the order: host before no host, a literal segment before \`:name\`, \`:name\` before \`/*\`. A path is written in the
canonical form that requests are matched in: unreserved characters as they are, other escapes in upper-case hex. Two routes that
match the same requests, and a route that can never match, are problems.

## TLS, HTTP/2, PROXY protocol and unix sockets

\`listen\` and \`admin\` take an address with a port, or \`unix:/run/turnpike.sock\`: a socket that everybody may use who may enter its
folder. List \`unix\` under \`trustedProxies\` to believe a proxy that connects there; otherwise all of them count as one client.

\`tls: { cert: \${file:…}, key: \${file:…} }\` speaks TLS (1.2 or later) on \`listen\`, HTTP/2 included for clients that offer it. New files are
taken up as by any reload; connections that stand keep theirs. The API is always asked in HTTP/1.1. Each request of HTTP/2 is
served as one of HTTP/1.1 inside the process, so that every rule of [http.md](http.md) holds for it. WebSockets come over HTTP/1.1, which
browsers see to themselves. **gRPC does not pass**: it needs HTTP/2 up to the API; gRPC-Web passes.

\`proxyProtocol: true\` has the addresses under \`trustedProxies\` begin each connection with a PROXY header, v1 or v2; one that does not is
cut. The client that it names is then the peer: trusted only if it is listed itself.

## Proxies of the environment

\`HTTPS_PROXY\` and \`HTTP_PROXY\`, in either case, name the proxy through which facilitators, nodes (\`rpc\` and public ones) and receivers of
webhooks are asked: one for \`https\` URLs and one for \`http\` URLs. Every connection is a tunnel (\`CONNECT\`), so that the proxy sees no more than
names of hosts where TLS is spoken, and a tunnel that is refused sent nothing. \`NO_PROXY\` lists who is asked directly: hosts with those below
them, hosts with a port, addresses, CIDR blocks, or \`*\`. This machine never is asked through a proxy, and upstreams and trace collectors
never are. \`check\` and \`start\` say who is asked through which proxy, without its credentials. A variable that names no \`http\` or \`https\`
proxy is a problem of the configuration.

\`turnpike check --online\` asks every facilitator, node and upstream once, through the same proxies, and says what each answered: what is
listed, what is sold and listed by nobody, which chain a node serves, where a redirect leads. It ends with 1 if one of them fails.

## Prices

| form | means |
|---|---|
| \`free\` | costs nothing; the only way to say so |
| \`$0.001\` | US dollars, in the stablecoin that the route accepts on each network |
| \`0.25 USDC\` | an amount of that token |
| \`{amount: "10000", asset: "0x…"}\` | atomic units of one of the accepted tokens |

Decimal and exact: a price with more digits than the asset has is refused, never rounded.

## Settle modes

| mode | what happens | choose it for |
|---|---|---|
| \`after\` | the upstream is asked, and if its status is below 400 the payment is settled before the first byte goes out | most routes: a failed call costs the buyer nothing |
| \`before\` | the payment is settled, then the upstream is asked | expensive or irreversible work; if the upstream then fails, the same payment is good for \`retryWindow\`; v2 buyers are told by \`extra.paymentFlow\` |
| \`deferred\` | the answer goes out at once, and the payment is settled in the background with retries | fast and cheap calls: no buyer waits for a chain |

A deferred settlement can still fail, for instance because the buyer's wallet was emptied meanwhile: that answer was free.
\`deferred\` bounds how many can be, in all and for each payer. Above a bound the route settles \`after\`, and with \`store: memory\` a
crash loses all of them.

## Shadow mode

\`enforce: off\` tries a price table out on real traffic: everything is decided and measured, nobody is charged. A request that would
have been answered 402 is forwarded free of charge, and so is one that brings a payment: the payment is checked, not claimed and not
settled, and does not reach the API. The log line has \`outcome: shadow\`, \`decision\` (\`paid\`, or the error code that would have been
answered) and \`wouldCharge\`; \`turnpike_shadow_total{route,decision}\` and
\`turnpike_shadow_revenue_atomic_total{route,network,asset,decision}\` add them up. What is refused for another reason than money, such
as a bad path or an unknown route, is refused as ever.

\`enforce: 25%\` charges a quarter of the clients and lets the others through so. A client is its address (behind \`trustedProxies\` the one
that they name; of IPv6 the /64), and in or out on every route, worker and replica alike; raising the share only adds clients. Clients
behind one address are in or out together. Change the share in the file while the gateway runs. It warns at start, in the log after each
reload and on the readiness page for as long as not everybody is charged.

## What \`turnpike check\` warns of

A file can be sound and still give away what it prices. The check warns, the gateway starts, and the operator decides, who knows the API:

- a priced path beside a free \`/*\` or \`unmatched: pass\` of the same API: paths are exact here, and an API that ignores case or a final
  slash serves \`/V1/a\` and \`/v1/a/\` as \`/v1/a\`, free of charge;
- a priced route with a \`host\` beside one of those: clients choose their \`Host\`;
- \`settle: after\` on methods such as \`POST\`, unless \`idempotent\`: who hangs up before the answer has had the work done unpaid;
- \`store: memory\` with priced routes.

## Answers that did not arrive

A buyer who paid and got no answer sends the same payment again, for the same request and within \`retryWindow\`, and is not charged
again. The call is forwarded again where that does no harm: for safe methods such as \`GET\`, where the upstream never got it, and
for every method of a route with \`idempotent: true\`. Else the answer comes from the ledger if it was kept (\`keepAnswers\`), and if
not, the buyer gets 409 \`delivery_unknown\`: the money moved and the answer is lost.

## Stores

| form | means |
|---|---|
| \`sqlite:./turnpike.db\` | a file, relative to the working directory, on a local disk; for one machine with any number of workers. It survives restarts and crashes; in a pod it needs a persistent volume, or it goes with the pod |
| \`postgres://user:password@host/database\` | several replicas that share one ledger (also \`postgresql://\`). Special characters of user and password are percent-encoded; parameters such as \`?sslmode=verify-full\` are the driver's |
| \`memory\` | nothing survives a restart: neither what was paid for nor which settlements are open. For tests, with one worker |

Take the URL of a database from outside, as in \`store: \${DATABASE_URL}\` or \`\${file:/run/secrets/database-url}\`: no message shows it.
`;

const SECTIONS: readonly (readonly [title: string, keys: Keys])[] = [
  ['Keys of the file', gatewayKeys(table, builtIn).keys],
  ['`admin`, as a map', adminKeys.keys],
  ['Keys of a route', routeKeys(table).keys],
  ['`price` in atomic units', atomicPriceKeys.keys],
  ['`price` of what was used', meteredPriceKeys.keys],
  ['`meter` of one place of the answer', meterKeys.keys],
  ['An entry of `accepts`', acceptKeys(table).keys],
  ['`asset`, long form', assetKeys.keys],
  ['`upstream`, long form', upstreamKeys.keys],
  ['`tls`', serverTlsKeys.keys],
  ['`upstream.tls`', tlsKeys.keys],
  ['`facilitator`, long form', remoteKeys(table).keys],
  ['`facilitator.cdp`', cdpKeys.keys],
  ['`facilitator.local`', localKeys(table).keys],
  ['`rewrite`', rewriteKeys.keys],
  ['`charge`', chargeKeys.keys],
  ['`free`', freeKeys.keys],
  ['`keys`', customerKeys.keys],
  ['`keepAnswers`', keepAnswersKeys.keys],
  ['`builderCode`', builderCodeKeys.keys],
  ['`receipts`', receiptKeys.keys],
  ['`deferred`', deferredKeys.keys],
  ['`access`', accessKeys.keys],
  ['`accessTokens`', accessTokenKeys.keys],
  ['`tracing`', tracingKeys.keys],
  ['`discovery`', discoveryKeys.keys],
  ['An entry of `webhooks`', webhookKeys.keys],
  ['`limits`', limitKeys.keys],
];

const LATER = `## Not in this release

\`when\` is refused with a clear problem.
`;

/** The text of `config/gateway.schema.json`. */
export function schemaJson(): string {
  return `${JSON.stringify(configSchema(table, builtIn), null, 2)}\n`;
}

/** The text of `docs/configuration.md`. */
export function configurationMarkdown(): string {
  const sections = SECTIONS.map(([title, keys]) => `## ${title}\n\n${keyTable(keys)}`);
  return [INTRODUCTION, ...sections, networkSection(), LATER].join('\n');
}

function keyTable(keys: Keys): string {
  const rows = Object.entries(keys).map(([name, key]) => {
    const initial = key.required === true ? '**required**' : key.default === undefined ? '' : `\`${key.default}\``;
    return `| \`${name}\` | ${cell(key.decoder.expects)} | ${initial} | ${cell(key.description)} |`;
  });
  return `| key | value | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

function networkSection(): string {
  const rows = table.networks.map((network) => {
    const assets = network.assets.map(
      (asset) => `${asset.symbol}${asset.transferMethod === 'permit2' ? ' (Permit2)' : ''}`,
    );
    const list = assets.length === 0 ? 'none: give the long form' : assets.join(', ');
    return `| \`${network.name}\` | \`${network.network}\` | ${list} | ${network.v1 ? 'yes' : ''} | ${network.testnet ? 'yes' : ''} |`;
  });
  return `## Known networks

The first asset of a network is what dollar prices mean there. Other EVM networks work by their CAIP-2 identifier and the long
form of \`asset\`.

| name | CAIP-2 | assets | x402 v1 clients | testnet |
|---|---|---|---|---|
${rows.join('\n')}
`;
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
