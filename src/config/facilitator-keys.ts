import { createPrivateKey } from 'node:crypto';
import type { FacilitatorForm, RemoteFacilitatorSpec } from '../domain/facilitator-spec.ts';
import type { Network } from '../domain/network.ts';
import type { Parsed } from '../domain/price.ts';
import { provableFamilies } from '../registry.ts';
import type { AssetTable } from './asset-table.ts';
import { complete, type Decoder, type Field, map, mapped, soundValue } from './decoder.ts';
import { duration } from './duration.ts';
import { type RpcTable, rpcDecoder } from './facilitator-rpc-keys.ts';
import { byKey, byKind, list } from './forms.ts';
import { headers } from './header-keys.ts';
import { jsonMap } from './json-value.ts';
import { type FacilitatorDraft, localDecoder } from './local-facilitator-keys.ts';
import { text } from './text.ts';
import { parseHttpUrl, URL_PATTERN } from './url.ts';

const URL_RIGHT = 'a facilitator URL such as https://facilitator.payai.network';
const RPC_RIGHT = `a map of networks to JSON-RPC URLs, such as {base: \${BASE_RPC_URL}}, or off`;
const VERIFY_TIMEOUT = '10s';
const VERIFY_TIMEOUT_MS = 10_000;
const SETTLE_TIMEOUT = '90s';
const SETTLE_TIMEOUT_MS = 90_000;
/** In the order of the file. */
export type FacilitatorDrafts = readonly Field<FacilitatorDraft>[];

const facilitatorUrl: Decoder<URL> = text({
  expects: URL_RIGHT,
  pattern: URL_PATTERN,
  parse: (given) => parseHttpUrl(given, { path: true, right: URL_RIGHT }),
});

const keyId = text({
  expects: 'the id of a CDP API key',
  schema: { minLength: 1 },
  parse: (given): Parsed<string> =>
    /^[!-~]+$/.test(given)
      ? { ok: true, value: given }
      : { ok: false, wrong: 'the key id is not plain text', right: 'the id of a CDP API key' },
});

const keySecret = text({
  expects: 'the secret of a CDP API key: base64 of 64 bytes (Ed25519), or a PEM key (ES256)',
  secret: true,
  multiline: true,
  parse: (given): Parsed<string> =>
    isCdpSecret(given)
      ? { ok: true, value: given }
      : { ok: false, wrong: 'the secret is not a CDP key', right: 'a CDP key' },
});

/** The keys of `facilitator.cdp`. */
export const cdpKeys = map('a map with keyId and keySecret', {
  keyId: {
    decoder: keyId,
    required: true,
    description: 'Id of the Coinbase Developer Platform API key.',
    examples: [`\${CDP_API_KEY_ID}`],
  },
  keySecret: {
    decoder: keySecret,
    required: true,
    description: 'Its secret: Ed25519 (base64) or ES256 (PEM).',
    examples: [`\${CDP_API_KEY_SECRET}`],
  },
});

/** The keys of the long form of a remote facilitator. */
export function remoteKeys(table: AssetTable) {
  return map(
    URL_RIGHT,
    {
      url: {
        decoder: facilitatorUrl,
        required: true,
        description: 'Base URL; `/verify`, `/settle` and `/supported` are put after it.',
      },
      headers: { decoder: headers, description: 'Sent with every call, such as an API key.' },
      timeout: { decoder: duration, default: VERIFY_TIMEOUT, description: 'Time for a whole `/verify` call.' },
      settleTimeout: {
        decoder: duration,
        default: SETTLE_TIMEOUT,
        description: 'Time for a whole `/settle` call. Then the outcome is unknown, and looked for.',
      },
      cdp: {
        decoder: complete(cdpKeys, (cdp) => cdp),
        description:
          'Signs each call for the Coinbase Developer Platform: `keyId`, and `keySecret`, Ed25519 (base64) or ES256 (PEM).',
      },
      rpc: {
        decoder: rpcOrOff(table),
        description:
          'JSON-RPC URLs by network, EVM or Solana. A settlement then counts when the chain shows it. Without it the facilitator is believed, and doubts are looked for at a public node, where there is one; `off` forbids that.',
        examples: [{ base: `\${BASE_RPC_URL}` }],
      },
    },
    { also: ['local'] },
  );
}

/** The facilitators: a URL, a long form, or a list of them in the order of preference. */
export function facilitatorsDecoder(table: AssetTable, kinds: readonly FacilitatorForm[]): Decoder<FacilitatorDrafts> {
  const one = facilitatorDecoder(table, kinds);
  const single: Decoder<FacilitatorDrafts> = mapped(one, (value, place) => [{ kind: 'value', place, value }]);
  return byKind<FacilitatorDrafts>('a URL, a map with url or local, or a list of those', {
    scalar: single,
    map: single,
    list: list(one, 'a list of facilitators', 1),
  });
}

function facilitatorDecoder(table: AssetTable, kinds: readonly FacilitatorForm[]): Decoder<FacilitatorDraft> {
  const bare = mapped(facilitatorUrl, (url): FacilitatorDraft => {
    const timeouts = { verifyTimeoutMs: VERIFY_TIMEOUT_MS, settleTimeoutMs: SETTLE_TIMEOUT_MS };
    return {
      spec: { ...named(url), ...timeouts, headers: [], cdp: undefined, ...nodes(table, undefined) },
      serves: undefined,
    };
  });
  const long = complete(
    remoteKeys(table),
    ({ url, headers: set, timeout, settleTimeout, cdp, rpc }): FacilitatorDraft | undefined => {
      // Reported already: one of the URLs is wrong.
      if (rpc !== undefined && rpc !== 'off' && rpc.urls === undefined) return undefined;
      const timeouts = { verifyTimeoutMs: timeout, settleTimeoutMs: settleTimeout };
      return { spec: { ...named(url), ...timeouts, headers: set ?? [], cdp, ...nodes(table, rpc) }, serves: undefined };
    },
  );
  const builtIn = byKey(
    'local',
    complete(localForm(table), ({ local }) => local),
    long,
  );
  const ofAnyKind = kinds.reduce((others, kind) => byKey(kind.name, addedForm(kind), others), builtIn);
  return byKind<FacilitatorDraft>(URL_RIGHT, { scalar: bare, map: ofAnyKind });
}

/** A facilitator of a kind that is not built in: its settings stand under the name of the kind. */
function addedForm(kind: FacilitatorForm): Decoder<FacilitatorDraft> {
  const settingsKey = { decoder: jsonMap(kind.expects), description: `The settings of ${kind.name}.` };
  const form = map(`a map with ${kind.name}`, { [kind.name]: settingsKey });
  return {
    expects: form.expects,
    jsonSchema: form.jsonSchema,
    decode(at, source) {
      const field = form.decode(at, source)?.[kind.name];
      const settings = field && soundValue(field);
      if (field === undefined || settings === undefined) return undefined;
      const facts = kind.read(settings);
      if (!facts.ok) {
        source.report(field.place, facts.wrong, facts.right);
        return undefined;
      }
      const { networks } = facts.value;
      const spec = { kind: 'added', of: kind.name, name: kind.name, settings, ...facts.value } as const;
      return { spec, serves: networks && new Set(networks) };
    },
  };
}

/** Nodes by network, or the word that keeps the gateway from asking any but the facilitator. */
function rpcOrOff(table: AssetTable): Decoder<RpcTable | 'off'> {
  const off: Decoder<'off'> = text({
    expects: 'off',
    pattern: 'off',
    parse: (given): Parsed<'off'> =>
      given === 'off' ? { ok: true, value: given } : { ok: false, wrong: 'this is no map', right: RPC_RIGHT },
  });
  return byKind<RpcTable | 'off'>(RPC_RIGHT, { scalar: off, map: rpcDecoder(table, provableFamilies) });
}

/** The nodes of a facilitator: its own, and the public ones of the networks for which it has none. */
function nodes(
  table: AssetTable,
  rpc: RpcTable | 'off' | undefined,
): Pick<RemoteFacilitatorSpec, 'rpc' | 'publicNodes'> {
  if (rpc === 'off') return { rpc: new Map() };
  const own = rpc?.urls ?? new Map<Network, string>();
  const known = table.networks.flatMap(({ network, publicNode }): [Network, string][] =>
    publicNode === undefined || own.has(network) ? [] : [[network, publicNode]],
  );
  return known.length === 0 ? { rpc: own } : { rpc: own, publicNodes: new Map(known) };
}

function localForm(table: AssetTable) {
  return map('a map with local', {
    local: { decoder: localDecoder(table), required: true, description: 'The facilitator inside the gateway.' },
  });
}

function named(url: URL): Pick<RemoteFacilitatorSpec, 'kind' | 'name' | 'url'> {
  return { kind: 'remote', name: url.host, url: url.href.replace(/\/+$/, '') };
}

function isCdpSecret(given: string): boolean {
  if (/^[A-Za-z0-9+/]{86}==$/.test(given)) return true;
  if (!given.includes('-----BEGIN')) return false;
  try {
    return createPrivateKey(given).asymmetricKeyType === 'ec';
  } catch {
    return false;
  }
}
