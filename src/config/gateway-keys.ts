import type { FacilitatorForm } from '../domain/facilitator-spec.ts';
import type { Parsed } from '../domain/price.ts';
import type { StoreForm } from '../domain/store-spec.ts';
import { accessTokens } from './access-keys.ts';
import { admin } from './admin-keys.ts';
import type { AssetTable } from './asset-table.ts';
import { builderCode } from './builder-code-keys.ts';
import { type Decoder, type Fields, type MapDecoder, map } from './decoder.ts';
import { deferredBounds, enforcement, identifierRule, keepAnswers, settleMode } from './delivery-keys.ts';
import { discovery } from './discovery-keys.ts';
import { duration, pause, retentionPeriod } from './duration.ts';
import { facilitatorsDecoder } from './facilitator-keys.ts';
import { list } from './forms.ts';
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
      description:
        'Where `/livez`, `/readyz`, `/metrics` and the [admin page](admin-page.md) are: an address, or a map with more about the page; `off` for none.',
      examples: ['127.0.0.1:9402', { listen: '0.0.0.0:9402', token: `\${file:/run/secrets/admin-token}` }],
    },
    adminHosts: {
      decoder: list(hostName, 'a list such as [metrics.example.com]'),
      description:
        'Host names under which `admin` may be asked. Addresses, `localhost` and names that only a private network has (without a dot, `.svc`, `.cluster.local`, `.internal`) always may; others are refused, so that no web page gets at it by DNS rebinding.',
    },
    tls: {
      decoder: serverTls,
      description:
        'TLS on `listen`, with HTTP/2 for clients that speak it, see [TLS](#tls-http2-proxy-protocol-and-unix-sockets). Files are followed while it runs. Default: plain HTTP, for a proxy in front.',
      examples: [{ cert: `\${file:/etc/ssl/gateway.pem}`, key: `\${file:/run/secrets/gateway-key.pem}` }],
    },
    proxyProtocol: {
      decoder: flag,
      description:
        'Whether `trustedProxies` begin each connection with a header of the PROXY protocol (v1 or v2), which then says where the client is. From anybody else such a header is a malformed request. Default: `false`.',
    },
    keepAliveTimeout: {
      decoder: duration,
      default: '65s',
      description:
        "How long a client's connection is kept without a request. Behind a load balancer it has to be longer than the balancer keeps its own (600 s at Google Cloud, up to an hour elsewhere).",
    },
    readiness: {
      decoder: word(['process', 'strict']),
      default: 'process',
      description:
        'What turns `/readyz` 503. `process`: this process has no configuration in force, does not listen or drains. `strict`: also a store or a facilitator that does not answer, which takes every replica that shares it out of service, free routes included.',
    },
    publicUrl: {
      decoder: publicOrigin,
      description:
        'The origin that clients see; the front of `resource.url`. Default: from trusted forwarding headers, else from `Host`.',
      examples: ['https://api.example.com'],
    },
    trustedProxies: {
      decoder: list(cidr, 'a list such as [10.0.0.0/8]'),
      description:
        'Whose `X-Forwarded-*` headers are believed; `unix` is whoever connects to a unix socket. Default: nobody.',
    },
    workers: {
      decoder: workers,
      default: 1,
      description:
        'Processes that share the public address; `auto` is one per core. More than one needs a store that they share: `sqlite` or `postgres`.',
    },
    upstream: { decoder: upstream, description: 'The API behind the gateway, for routes without their own.' },
    payTo: {
      decoder: payees,
      description:
        'Who is paid, in quotes: one address, or one for each network family, such as `{eip155: "0x…", solana: "…"}`.',
    },
    accepts: {
      decoder: acceptsDecoder(table),
      description: 'Ways to pay: networks by name or CAIP-2, or maps.',
      examples: [['base'], ['eip155:8453']],
    },
    asset: {
      decoder: asset,
      description: 'What is paid with where `accepts` does not say. Default: the first known asset of each network.',
    },
    facilitator: {
      decoder: facilitatorsDecoder(table, kinds.facilitatorKinds),
      description: 'Who verifies and settles; a list is tried in order.',
    },
    store: {
      decoder: storeDecoder(kinds.storeKinds),
      default: 'sqlite:./turnpike.db',
      description:
        'Where payments are remembered, see [Stores](#stores). `memory` forgets at a restart what was paid and which settlements were open.',
    },
    settle: {
      decoder: settleMode,
      default: 'after',
      description:
        'When the money moves, see [Settle modes](#settle-modes): `after` the upstream answered well, `before` it is asked, or `deferred` until after the answer is out.',
    },
    deferred: {
      decoder: deferredBounds,
      description:
        'How far `settle: deferred` may run ahead of the money. Above either bound a route settles `after` until payments are settled again.',
    },
    keepAnswers: {
      decoder: keepAnswers,
      default: 'off',
      description:
        'Keeps the answers of paid calls that cannot be sent again, such as a `POST`, so that a buyer whose connection dropped gets what was paid for. Without it that answer is lost: the buyer has paid and gets 409 `delivery_unknown`. An answer that is kept is read whole, up to the size, before it goes out, and stays in the store, unencrypted, for as long as the payment (`retention`).',
    },
    paymentIdentifier: {
      decoder: identifierRule,
      default: 'off',
      description:
        "Whether a purchase carries the buyer's own id (x402 extension `payment-identifier`), under which it is charged only once however often it is sent: `optional`, or `required`, which refuses payments without one.",
    },
    receipts: {
      decoder: receipts,
      description:
        'Signs offers in 402s and receipts of what was delivered (x402 extension `offer-receipt`), with a key that `/.well-known/did.json` names. Needs `publicUrl`. Default: `off`. See [discovery.md](discovery.md#signed-offers-and-receipts).',
      examples: [{ format: 'jws' }],
    },
    builderCode: {
      decoder: builderCode,
      description:
        'To whom settlements are attributed on chain (x402 extension `builder-code`, ERC-8021): a code such as `my_app`, or a map with `app` and `services`. Facilitators that know the extension write it behind the call data. Default: nobody.',
      examples: ['my_app', { app: 'my_app', services: ['my_service'] }],
    },
    enforce: {
      decoder: enforcement,
      default: '100%',
      description:
        'How many clients of priced routes are charged, see [Shadow mode](#shadow-mode): all (`100%`), a share such as `25%`, or none (`off`).',
    },
    accessTokens: {
      decoder: accessTokens,
      description:
        'How the access tokens of routes with `access` are signed and carried, see [access.md](access.md). The defaults are right for most.',
    },
    protocols: {
      decoder: protocols,
      description:
        'The protocols that priced routes are paid in: `x402`, `mpp` (`WWW-Authenticate: Payment`) or both in one 402. Default: `[x402]`. See [rails.md](rails.md#mpp).',
      examples: [['x402', 'mpp']],
    },
    mpp: {
      decoder: mpp,
      description: 'How MPP is spoken, on routes whose `protocols` name it. The defaults are right for most.',
      examples: [{ header: 'Payment-Authorization' }],
    },
    webhooks: {
      decoder: webhooks,
      description:
        'Who is told of every payment that settles, by signed messages that are repeated until they arrive, see [webhooks.md](webhooks.md). Default: nobody.',
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
        "Who answers CORS preflights of priced routes. `gateway`: it allows every origin, without cookies. `api`: they reach the API unpaid, and its answer is relayed with leave to send payments; the gateway's own answers then name the page's origin and allow credentials.",
    },
    retryWindow: {
      decoder: duration,
      default: '10m',
      description: 'How long a payment whose answer did not arrive can be collected again without a new charge.',
    },
    foreignTransfers: {
      decoder: word(['refuse', 'serve']),
      default: 'refuse',
      description:
        'What becomes of a payment that somebody else sent to the chain before its request came. `refuse`: 409 without a new offer. `serve`: where the facilitator has a node of its own, the exact transfer, younger than `maxTimeoutSeconds` (15 minutes at most), is this payment, and is served once. Only where this gateway has a `payTo` of its own, with nobody else selling to it: a payment that was served elsewhere would buy here once more. See [lifecycle.md](lifecycle.md#sent-by-somebody-else).',
    },
    retention: {
      decoder: retentionPeriod,
      default: '90d',
      description:
        'How long finished payments and kept answers stay in the ledger; at least `retryWindow`. Payments that are open or could be used again stay longer.',
    },
    drainTimeout: {
      decoder: duration,
      default: '30s',
      description: 'How long a shutdown may take: the delay, then requests in flight and their settlements.',
    },
    drainDelay: {
      decoder: pause,
      description:
        'How long a shutdown goes on taking connections after `/readyz` says 503, so that load balancers look elsewhere first. Default: `2s`, at most half of `drainTimeout`.',
    },
    log: {
      decoder: logRules,
      description: 'What is logged: `level`, the share of the requests (`sample`), and statuses that are not (`skip`).',
      examples: [{ level: 'warn' }, { sample: '10%', skip: [402] }],
    },
    logClientAddress: {
      decoder: flag,
      description: "Whether the client's address is part of a request's line in the log. Default: `true`.",
    },
    tracing: {
      decoder: tracing,
      description:
        'Traces by OpenTelemetry: a span for every request and for each stage of it. Default: none, and nothing of it is loaded.',
      examples: [{ endpoint: 'http://otel-collector:4318', sample: '10%' }],
    },
    discovery: {
      decoder: discovery,
      description:
        'What agents find the gateway by: `/openapi.json`, `/llms.txt` and `/.well-known/x402`, unless a route has exactly that path. Default: what the price table says; `off` for nothing.',
      examples: [{ title: 'Weather', openapi: './openapi.yaml' }],
    },
    paywall: {
      decoder: paywall,
      description:
        'The page that browsers get with a 402, see [Pages](pages.md). Default: `on`. Machines get what they get without it.',
      examples: [{ title: 'Weather', colour: '#0b57d0' }],
    },
    limits: { decoder: limitKeys, description: 'Bounds against hostile or broken clients.' },
    routes: {
      decoder: routesDecoder(table),
      required: true,
      description: 'The price table. The most specific route wins, whatever the order.',
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
