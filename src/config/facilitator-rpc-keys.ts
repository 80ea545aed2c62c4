import { type Network, networkFamily } from '../domain/network.ts';
import type { Parsed } from '../domain/price.ts';
import type { AssetTable } from './asset-table.ts';
import type { Decoder } from './decoder.ts';
import { record } from './forms.ts';
import { parseNetworkName } from './payment-keys.ts';
import type { Place, Source } from './source.ts';
import { text } from './text.ts';

const rpcUrl = text({
  expects: 'the URL of a JSON-RPC node',
  // Nodes are rented by URL: the path often is the key.
  secret: true,
  pattern: 'https?://[^\\s@#\\\\]+',
  parse: (given): Parsed<string> =>
    /^https?:\/\/[!-~]+$/.test(given) && URL.canParse(given) && !new URL(given).username
      ? { ok: true, value: given }
      : { ok: false, wrong: 'this is no URL', right: 'the URL of a JSON-RPC node' },
});

/** JSON-RPC URLs by network, as the file gives them. */
export interface RpcTable {
  readonly networks: ReadonlySet<Network>;
  /** `undefined` when one of the URLs is wrong. */
  readonly urls: ReadonlyMap<Network, string> | undefined;
}

/**
 * A map of networks, by name or CAIP-2, to the URL of a node of each.
 *
 * @param families whose nodes can be read
 */
export function rpcDecoder(table: AssetTable, families: ReadonlySet<string>): Decoder<RpcTable> {
  const raw = record(
    rpcUrl,
    `a map of networks to JSON-RPC URLs, such as {base: \${BASE_RPC_URL}}`,
    '^[-a-z0-9]+(?::[-_a-zA-Z0-9]+)?$',
  );
  return {
    expects: raw.expects,
    jsonSchema: { ...raw.jsonSchema, minProperties: 1 },
    decode(at, source) {
      const entries = raw.decode(at, source);
      if (entries === undefined) return undefined;
      let unknown = false;
      const networks = new Set<Network>();
      const urls = new Map<Network, string>();
      for (const { key, keyPlace, field } of entries) {
        const network = servedNetwork(key, keyPlace, table, families, source);
        unknown ||= network === undefined;
        if (network === undefined) continue;
        if (networks.has(network)) source.report(keyPlace, `the network ${key} is given twice`, 'each network once');
        networks.add(network);
        if (field.kind === 'value') urls.set(network, field.value);
      }
      if (entries.length === 0) source.report(at, 'no network is given', raw.expects);
      if (unknown || entries.length === 0) return undefined;
      return { networks, urls: urls.size === entries.length ? urls : undefined };
    },
  };
}

function servedNetwork(
  key: string,
  place: Place,
  table: AssetTable,
  families: ReadonlySet<string>,
  source: Source,
): Network | undefined {
  const network = parseNetworkName(key, table);
  if (!network.ok) {
    source.report(place, network.wrong, network.right);
    return undefined;
  }
  if (families.has(networkFamily(network.value))) return network.value;
  const right = families.has('solana') ? 'an EVM network such as base, or solana' : 'an EVM network such as base';
  source.report(place, `${key} has no JSON-RPC nodes that can be asked here`, right);
  return undefined;
}
