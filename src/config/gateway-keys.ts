import { ASKING_PROXIES } from '../domain/asking-proxy.ts';
import type { FacilitatorForm } from '../domain/facilitator-spec.ts';
import type { Parsed } from '../domain/price.ts';
import type { StoreForm } from '../domain/store-spec.ts';
import { accessTokens } from './access-keys.ts';
import { admin } from './admin-keys.ts';
import type { AssetTable } from './asset-table.ts';
import { builderCode } from './builder-code-keys.ts';
import { type Decoder, type Fields, type MapDecoder, map } from './decoder.ts';
import { deferredBounds, enforcement, identifierRule, keepAnswers, settleMode, verifyMode } from './delivery-keys.ts';
import { discovery } from './discovery-keys.ts';
import { duration, pause, retentionPeriod } from './duration.ts';
import { facilitatorsDecoder } from './facilitator-keys.ts';
import { list } from './forms.ts';
import { knownAgents } from './known-agent-keys.ts';
import { limitKeys } from './limit-keys.ts';
import { cidr, hostName, listenAddress, publicOrigin } from './listen-keys.ts';
import { logRules } from './log-keys.ts';
import { payees } from './payee-keys.ts';
import { acceptsDecoder, asset } from './payment-keys.ts';
import { paywall } from './paywall-keys.ts';
import { mpp, protocols } from './protocol-keys.ts';
import { receipts } from './receipt-keys.ts';
import { routesDecoder } from './route-keys.ts';
import { storeDecoder } from './store-keys.ts';
import { flag, text, word } from './text.ts';
import { tracing } from './tracing-keys.ts';
import { upstream } from './upstream-keys.ts';
import { serverTls } from './upstream-tls-keys.ts';
import { webhooks } from './webhook-keys.ts';

/** Most processes of one gateway; a machine with more cores is better shared by several. */
export const MAX_WORKERS = 64;
const WORKERS_RIGHT = `a whole number from 1 to ${MAX_WORKERS}, or auto`;

/** How many processes share the public address; `auto` is one per core. */
const workers: Decoder<number | 'auto'> = {
  ...text<number | 'auto'>({ expects: WORKERS_RIGHT, bare: true, parse: parseWorkers }),
  jsonSchema: {
    anyOf: [
      { type: 'integer', minimum: 1, maximum: MAX_WORKERS },
      { type: 'string', pattern: '^(?:auto|[1-9]\\d?)$|\\$\\{' },
    ],
  },
};

/** Kinds of parts that a program which embeds the gateway may add to. */
export interface OpenKinds {
  readonly storeKinds: readonly StoreForm[];
  /** Those beside `remote` and `local`. */
  readonly facilitatorKinds: readonly FacilitatorForm[];
}

/** The keys of the file. */
export function gatewayKeys(table: AssetTable, kinds: OpenKinds): MapDecoder<ReturnType<typeof gatewayKeyTable>> {
  return map('a map with routes', gatewayKeyTable(table, kinds), { extensions: true });
}

function gatewayKeyTable(table: AssetTable, kinds: OpenKinds) {
  return {
    listen: { decoder: listenAddress, default: '0.0.0.0:8402', description: 'Where buyers connect.' },
    admin: {
      decoder: admin,
      default: '127.0.0.1:9402',
      description: 'Where `/livez`, `/readyz`, `/metrics` and the [admin page](admin-page.md) are; `off` for none.',
      examples: ['127.0.0.1:9402', { listen: '0.0.0.0:9402', token: `\${file:/run/secrets/admin-token}` }],
    },
    adminHosts: {
      decoder: list(hostName, 'a list such as [metrics.example.com]'),
      description:
        'Host names under which `admin` may be asked, besides addresses, `localhost` and private names (without a dot, `.svc`, `.cluster.local`, `.internal`).',
    },
    tls: {
      decoder: serverTls,
      description:
        '[TLS](#tls-http2-proxy-protocol-and-unix-sockets) and HTTP/2 on `listen`. Default: plain HTTP, for a proxy in front.',
      examples: [{ cert: `\${file:/etc/ssl/gateway.pem}`, key: `\${file:/run/secrets/gateway-key.pem}` }],
    },
    proxyProtocol: {
      decoder: flag,
      description:
        'Whether `trustedProxies` begin each connection with a PROXY header (v1 or v2), which names the client. Default: `false`.',
    },
    keepAliveTimeout: {
      decoder: duration,
      default: '65s',
      description:
        'How long an idle client connection is kept. Must be longer than a load balancer in front keeps its own (600 s at Google Cloud).',
    },
    readiness: {
      decoder: word(['process', 'strict']),
      default: 'process',
      description:
        'What turns `/readyz` 503: `process`, this process alone; `strict`, also a store or facilitator that does not answer.',
    },
    publicUrl: {
      decoder: publicOrigin,
      description:
        'The origin that clients see, in `resource.url`. Default: from trusted forwarding headers, else from `Host`.',
      examples: ['https://api.example.com'],
    },
    trustedProxies: {
      decoder: list(cidr, 'a list such as [10.0.0.0/8]'),
      description:
        'Whose `X-Forwarded-*` headers are believed; `unix`: whoever connects to a unix socket. Default: nobody.',
    },
    workers: {
      decoder: workers,
      default: 1,
      description:
        'Processes that share the address; `auto` is one per core. More than one needs `sqlite` or `postgres`.',
    },
    authz: {
      decoder: word(ASKING_PROXIES),
      description:
        'The proxy that [asks on `listen`](upstreams.md#asked-by-another-proxy) whether a request may pass. Default: the gateway forwards.',
      examples: ['nginx'],
    },
    upstream: { decoder: upstream, description: 'The API behind the gateway, for routes without their own.' },
    payTo: {
      decoder: payees,
      description: 'Who is paid, in quotes: one address, or one for each network family.',
    },
    accepts: {
      decoder: acceptsDecoder(table),
      description: 'Ways to pay: networks by name or CAIP-2, or maps.',
      examples: [['base'], ['eip155:8453']],
    },
    asset: {
      decoder: asset,
      description: "What is paid with where `accepts` does not say. Default: each network's first known asset.",
    },
    facilitator: {
      decoder: facilitatorsDecoder(table, kinds.facilitatorKinds),
      description: 'Who verifies and settles; a list is tried in order.',
    },
    store: {
      decoder: storeDecoder(kinds.storeKinds),
      default: 'sqlite:./turnpike.db',
      description: 'Where payments are remembered, see [Stores](#stores).',
    },
    settle: {
      decoder: settleMode,
      default: 'after',
      description:
        'When the money moves: `after` the API answered well, `before` it is asked, or `deferred` until the answer is out. See [settle modes](../README.md#when-the-money-moves).',
    },
    verify: {
      decoder: verifyMode,
      default: 'auto',
      description:
        'When a facilitator verifies: `always` before a payment is taken; `auto`, not where [`/settle` alone decides](lifecycle.md#settle-alone-decides); `alongside`, [during a GET or HEAD](lifecycle.md#alongside), else `auto`.',
    },
    deferred: {
      decoder: deferredBounds,
      description: 'How far `settle: deferred` may run ahead of the money. Above either bound a route settles `after`.',
    },
    keepAnswers: {
      decoder: keepAnswers,
      default: 'off',
      description:
        'Keeps answers of paid calls that cannot be sent again, such as `POST`, for buyers whose connection dropped; else they get 409 `delivery_unknown`. An answer up to the size (4MB at most) is read whole before it goes out, and stored unencrypted while it can be collected.',
    },
    paymentIdentifier: {
      decoder: identifierRule,
      default: 'off',
      description:
        "Whether a purchase carries the buyer's own id (x402 extension `payment-identifier`), under which it is charged once; `required` refuses payments without one.",
    },
    receipts: {
      decoder: receipts,
      description:
        'Signs offers and receipts (x402 extension `offer-receipt`). Needs `publicUrl`. Default: `off`. See [discovery.md](discovery.md#signed-offers-and-receipts).',
      examples: [{ format: 'jws' }],
    },
    builderCode: {
      decoder: builderCode,
      description:
        'To whom settlements are attributed on chain (x402 extension `builder-code`, ERC-8021). Default: nobody.',
      examples: ['my_app', { app: 'my_app', services: ['my_service'] }],
    },
    enforce: {
      decoder: enforcement,
      default: '100%',
      description: 'How many clients of priced routes are charged, see [Shadow mode](#shadow-mode).',
    },
    accessTokens: {
      decoder: accessTokens,
      description: 'How [access tokens](access.md) are signed and carried. The defaults are right for most.',
    },
    protocols: {
      decoder: protocols,
      description:
        'The protocols of priced routes: `x402`, [`mpp`](rails.md#mpp), or both in one 402. Default: `[x402]`.',
      examples: [['x402', 'mpp']],
    },
    agents: {
      decoder: knownAgents,
      description:
        'Agents that sign their requests (Web Bot Auth, RFC 9421) and their public keys, for prices with `agent: verified`. See [prices.md](prices.md#agents-that-sign).',
      examples: [[{ agent: 'https://agent.example', keys: `\${file:/run/agents/example.json}` }]],
    },
    mpp: {
      decoder: mpp,
      description: 'How MPP is spoken. The defaults are right for most.',
      examples: [{ header: 'Payment-Authorization' }],
    },
    webhooks: {
      decoder: webhooks,
      description: 'Who is told of every payment that settles, see [webhooks.md](webhooks.md). Default: nobody.',
    },
    unmatched: {
      decoder: word(['deny', 'pass']),
      default: 'deny',
      description: 'Requests that no route matches: `deny` answers 404, `pass` forwards them free of charge.',
    },
    cors: {
      decoder: word(['gateway', 'api']),
      default: 'gateway',
      description:
        'Who answers CORS preflights of priced routes. `gateway`: allows every origin, without cookies. `api`: the API, unpaid, with leave to send payments and credentials.',
    },
    retryWindow: {
      decoder: duration,
      default: '10m',
      description: 'How long an answer that did not arrive can be collected without a new charge.',
    },
    foreignTransfers: {
      decoder: word(['refuse', 'serve']),
      default: 'refuse',
      description:
        'A payment that [somebody else sent](lifecycle.md#sent-by-somebody-else) to the chain first: `refuse` (409, no offer) or `serve` once. `serve` only where nobody else sells to this `payTo`.',
    },
    retention: {
      decoder: retentionPeriod,
      default: '90d',
      description:
        'How long finished payments stay in the ledger; at least `retryWindow`. See [ledger.md](ledger.md#retention).',
    },
    drainTimeout: {
      decoder: duration,
      default: '30s',
      description: 'How long a shutdown may take, `drainDelay` included.',
    },
    drainDelay: {
      decoder: pause,
      description:
        'How long a shutdown still takes connections after `/readyz` says 503. Default: `2s`, at most half of `drainTimeout`.',
    },
    log: {
      decoder: logRules,
      description: 'What is logged: `level`, a share of the requests (`sample`), statuses left out (`skip`).',
      examples: [{ level: 'warn' }, { sample: '10%', skip: [402] }],
    },
    logClientAddress: {
      decoder: flag,
      description: "Whether the log has clients' addresses. Default: `true`.",
    },
    tracing: {
      decoder: tracing,
      description: '[Traces](monitoring.md#traces) by OpenTelemetry. Default: none.',
      examples: [{ endpoint: 'http://otel-collector:4318', sample: '10%' }],
    },
    discovery: {
      decoder: discovery,
      description:
        'What agents find the gateway by: `/openapi.json`, `/llms.txt` and `/.well-known/x402`. Default: what the price table says. See [discovery.md](discovery.md).',
      examples: [{ title: 'Weather', openapi: './openapi.yaml' }],
    },
    paywall: {
      decoder: paywall,
      description: 'The [page](pages.md) that browsers get with a 402. Default: `on`.',
      examples: [{ title: 'Weather', colour: '#0b57d0' }],
    },
    limits: { decoder: limitKeys, description: 'Bounds against hostile or broken clients.' },
    routes: {
      decoder: routesDecoder(table),
      required: true,
      description: 'The price table. The most specific route wins.',
    },
  } as const;
}

/** The file as it was found, with the parts that are sound. */
export type GatewayFields = Fields<ReturnType<typeof gatewayKeyTable>>;

function parseWorkers(given: string): Parsed<number | 'auto'> {
  if (given === 'auto') return { ok: true, value: 'auto' };
  const count = /^[1-9]\d?$/.test(given) ? Number(given) : Number.NaN;
  if (count <= MAX_WORKERS) return { ok: true, value: count };
  return { ok: false, wrong: `${JSON.stringify(given)} is not a number of processes`, right: WORKERS_RIGHT };
}
