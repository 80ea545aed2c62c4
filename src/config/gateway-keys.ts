import type { Parsed } from '../domain/price.ts';
import type { AssetTable } from './asset-table.ts';
import { type Decoder, type Fields, type MapDecoder, map } from './decoder.ts';
import { duration } from './duration.ts';
import { facilitatorsDecoder } from './facilitator-keys.ts';
import { list } from './forms.ts';
import { adminAddress, cidr, listenAddress, publicOrigin } from './listen-keys.ts';
import { acceptsDecoder, asset, evmAddress } from './payment-keys.ts';
import { routesDecoder, settleMode } from './route-keys.ts';
import { integer, text, word } from './text.ts';
import { upstream } from './upstream-keys.ts';

const store: Decoder<'memory'> = text({
  expects: 'memory',
  pattern: 'memory',
  parse: (given): Parsed<'memory'> => {
    if (given === 'memory') return { ok: true, value: 'memory' };
    const durable = /^(?:sqlite|postgres|postgresql):/.exec(given)?.[0];
    const wrong =
      durable === undefined
        ? 'this is no store'
        : `the store ${durable} comes with the durable ledger, in a later release`;
    return { ok: false, wrong, right: 'memory, which forgets every payment at a restart' };
  },
});

/** Processes: one in this release. `auto` and more need a ledger that they share. */
const workers: Decoder<1> = text({
  expects: '1',
  bare: true,
  parse: (given): Parsed<1> =>
    given === '1'
      ? { ok: true, value: 1 }
      : { ok: false, wrong: 'more than one process comes with the durable ledger, in a later release', right: '1' },
});

/** The keys of `limits`. */
export const limitKeys = map('a map of limits', {
  paymentHeaderBytes: {
    decoder: integer('a whole number from 2048 to 65536', 2048, 65_536),
    default: 12_288,
    description: 'Longest payment header, in bytes.',
  },
  headerBytes: {
    decoder: integer('a whole number from 8192 to 262144', 8192, 262_144),
    default: 32_768,
    description: 'Longest request line plus headers, in bytes.',
  },
});

/** The keys of the file. */
export function gatewayKeys(table: AssetTable): MapDecoder<ReturnType<typeof gatewayKeyTable>> {
  return map('a map with routes', gatewayKeyTable(table), {
    later: {
      access: 'access passes come in a later release',
      deferred: 'deferred settlement comes with the durable ledger, in a later release',
      keepAnswers: 'keepAnswers comes in a later release',
    },
  });
}

function gatewayKeyTable(table: AssetTable) {
  return {
    listen: { decoder: listenAddress, default: '0.0.0.0:8402', description: 'Where buyers connect.' },
    admin: {
      decoder: adminAddress,
      default: '127.0.0.1:9402',
      description: 'Where `/livez`, `/readyz` and `/metrics` are; `off` for none.',
    },
    publicUrl: {
      decoder: publicOrigin,
      description:
        'The origin that clients see; the front of `resource.url`. Default: from trusted forwarding headers, else from `Host`.',
      examples: ['https://api.example.com'],
    },
    trustedProxies: {
      decoder: list(cidr, 'a list such as [10.0.0.0/8]'),
      description: 'Whose `X-Forwarded-*` headers are believed. Default: nobody.',
    },
    workers: {
      decoder: { ...workers, jsonSchema: { const: 1 } },
      default: 1,
      description: 'Processes; 1 in this release.',
    },
    upstream: { decoder: upstream, description: 'The API behind the gateway, for routes without their own.' },
    payTo: { decoder: evmAddress, description: 'Who is paid, in quotes.' },
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
      decoder: facilitatorsDecoder(table),
      description: 'Who verifies and settles; a list is tried in order.',
    },
    store: {
      decoder: store,
      default: 'memory',
      description: 'Where payments are remembered; `memory` in this release.',
    },
    settle: {
      decoder: settleMode,
      default: 'after',
      description: "When the money moves: `after` the upstream's status is known to be good, or `before` it is asked.",
    },
    unmatched: {
      decoder: word(['deny', 'pass']),
      default: 'deny',
      description: 'Requests that no route matches: `deny` answers 404, `pass` forwards them free of charge.',
    },
    retryWindow: {
      decoder: duration,
      default: '10m',
      description: 'How long a payment whose answer did not arrive can be collected again without a new charge.',
    },
    drainTimeout: {
      decoder: duration,
      default: '30s',
      description: 'How long requests in flight may take to finish on shutdown.',
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
