import type { TransferMethod } from '../domain/asset.ts';
import { type Network, parseNetwork } from '../domain/network.ts';
import { type Parsed, type Price, parseAtomicPrice, parsePrice } from '../domain/price.ts';
import { readEvmAddress } from '../family/eip155/eip155.ts';
import type { AssetTable } from './asset-table.ts';
import { complete, type Decoder, type Field, type Fields, map, mapped } from './decoder.ts';
import { byKey, byKind, list } from './forms.ts';
import { type MeteredPrice, meteredPrice } from './metered-price-keys.ts';
import { nearest } from './nearest.ts';
import { address } from './payee-keys.ts';
import { integer, text, word } from './text.ts';

const ADDRESS_PATTERN = '0x(?!0{40}$)[0-9a-fA-F]{40}';

/** An EVM address that money or calls may go to. Mixed case must be the EIP-55 checksum, which is what catches a typo. */
export const evmAddress: Decoder<`0x${string}`> = text({
  expects: 'an address of 0x and 40 hex digits, in quotes',
  pattern: ADDRESS_PATTERN,
  parse: readEvmAddress,
});

/** The long form of an asset: a token that the table does not know. */
export interface LongAsset {
  readonly address: string;
  readonly symbol: string | undefined;
  readonly decimals: number;
  /** These three on EVM, where payments are signed as typed data; elsewhere none of them. */
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly transferMethod: TransferMethod | undefined;
}

/** An asset as the file names it; which one a symbol means depends on the network. */
export type AssetChoice =
  | { readonly kind: 'symbol'; readonly symbol: string }
  | { readonly kind: 'long'; readonly asset: LongAsset };

const symbol = text({
  expects: 'a symbol such as USDC',
  pattern: '[A-Za-z][A-Za-z0-9.₮]{0,15}',
  parse: (given): Parsed<string> =>
    /^[A-Za-z][A-Za-z0-9.₮]{0,15}$/.test(given)
      ? { ok: true, value: given }
      : { ok: false, wrong: `${JSON.stringify(given)} is not a symbol`, right: 'a symbol such as USDC' },
});

const domainText = (what: string): Decoder<string> =>
  text({
    expects: `the EIP-712 ${what} of the contract, in quotes`,
    schema: { minLength: 1, maxLength: 64 },
    parse: (given) =>
      given !== '' && given.length <= 64
        ? { ok: true, value: given }
        : { ok: false, wrong: `the ${what} has ${given.length} characters`, right: '1 to 64 characters' },
  });

/** The keys of the long form of an asset. */
export const assetKeys = map('the long form {address, decimals, name, version, transferMethod}', {
  address: {
    decoder: address,
    required: true,
    description:
      'The token contract or mint. An EVM contract is asked whether all of this is right, where an `rpc` URL is known.',
  },
  decimals: {
    decoder: integer('a whole number from 0 to 36', 0, 36),
    required: true,
    description: 'Digits after the point of one whole token.',
    examples: [6, 18],
  },
  name: {
    decoder: domainText('name'),
    description: 'EIP-712 domain name of the contract. Required on EVM, and only there.',
  },
  version: {
    decoder: domainText('version'),
    description: 'EIP-712 domain version. Required on EVM, and only there.',
    examples: ['2'],
  },
  transferMethod: {
    decoder: word(['eip3009', 'permit2']),
    description: '`transferWithAuthorization`, or Permit2. Required on EVM, and only there.',
  },
  symbol: {
    decoder: symbol,
    description: 'What prices such as `0.25 USDC` call it. Default: its name, else its address.',
  },
});

/** An asset: a known symbol, or the long form. */
export const asset: Decoder<AssetChoice> = byKind<AssetChoice>(
  'a known symbol such as USDC, or the long form {address, …}',
  {
    scalar: mapped(symbol, (given) => ({ kind: 'symbol', symbol: given })),
    map: complete(assetKeys, (long) => ({ kind: 'long', asset: long })),
  },
);

/** A network by its name or CAIP-2 identifier. */
function networkDecoder(table: AssetTable): Decoder<Network> {
  const names = table.networks.map((network) => network.name);
  const expects = 'a network such as base, or eip155:8453';
  const decoder = text({ expects, parse: (given) => parseNetworkName(given, table) });
  return {
    ...decoder,
    jsonSchema: {
      anyOf: [{ enum: names }, { type: 'string', pattern: '^[-a-z0-9]{3,8}:[-_a-zA-Z0-9+/=]{1,64}$|\\$\\{' }],
    },
  };
}

/** Reads a network by its name (`base`) or CAIP-2 identifier (`eip155:8453`). */
export function parseNetworkName(given: string, table: AssetTable): Parsed<Network> {
  const known = table.find(given)?.network ?? parseNetwork(given);
  if (known !== undefined) return { ok: true, value: known };
  const meant = nearest(
    given,
    table.networks.map((network) => network.name),
  );
  return {
    ok: false,
    wrong: `the network ${JSON.stringify(given)} is not known`,
    right: meant ?? 'a name such as base, or a CAIP-2 identifier such as eip155:8453',
  };
}

/** The largest lifetime of a quote: the gateway has to remember payments that long. */
const MAX_TIMEOUT_SECONDS = 86_400;

/** The keys of one entry of `accepts`. */
export function acceptKeys(table: AssetTable) {
  return map('a network such as base, or a map with network', {
    network: {
      decoder: networkDecoder(table),
      required: true,
      description: 'A name such as `base`, or CAIP-2.',
    },
    asset: {
      decoder: asset,
      description: "Default: `asset` of the file, else the network's first known asset.",
    },
    scheme: { decoder: scheme, default: 'exact', description: 'The payment scheme.' },
    payTo: { decoder: address, description: 'Who is paid. Default: `payTo` of the route, else of the file.' },
    maxTimeoutSeconds: {
      decoder: integer(`a whole number of seconds, up to ${MAX_TIMEOUT_SECONDS}`, 1, MAX_TIMEOUT_SECONDS),
      description:
        'How long a quote holds: at least the time of the call plus 30; default 300, or that if longer. An answer on credit is cut 30 seconds before its payment ends.',
    },
  });
}

const scheme = text({
  expects: 'a payment scheme such as exact',
  pattern: '[a-z][a-z0-9-]{0,31}',
  parse: (given): Parsed<string> =>
    /^[a-z][a-z0-9-]{0,31}$/.test(given)
      ? { ok: true, value: given }
      : { ok: false, wrong: `${JSON.stringify(given)} is not a payment scheme`, right: 'exact' },
});

/** One entry of `accepts`, with the parts that are sound. */
export type AcceptFields = Partial<Fields<ReturnType<typeof acceptKeys>['keys']>> & {
  readonly network: Field<Network>;
};

/** The list of ways to pay. */
export function acceptsDecoder(table: AssetTable): Decoder<readonly Field<AcceptFields>[]> {
  const expects = 'a list such as [base]';
  const item = byKind<AcceptFields>('a network such as base, or a map with network', {
    scalar: mapped(
      networkDecoder(table),
      (network, place): AcceptFields => ({ network: { kind: 'value', place, value: network } }),
    ),
    map: acceptKeys(table),
  });
  return list(item, expects, 1);
}

/** Pattern of a decimal that is not zero. */
const DECIMAL_PATTERN = '(?![0.]+(?:$|\\s))(?:0|[1-9]\\d*)(?:\\.\\d+)?';
const PRICE = 'free, $0.001, 0.25 USDC, {amount, asset} or {upTo, meter, rates}';

/** The keys of a price in atomic units. */
export const atomicPriceKeys = map(PRICE, {
  amount: {
    decoder: text({
      expects: 'atomic units in quotes, such as "10000"',
      pattern: '[1-9]\\d{0,77}',
      parse: (given): Parsed<Price> => parseAtomicPrice(given, ''),
    }),
    required: true,
    description: "The amount in the asset's atomic units, in quotes.",
    examples: ['10000'],
  },
  asset: {
    decoder: address,
    required: true,
    description: 'The contract or mint of an asset that the route accepts.',
  },
});

/** What a call costs: a price, or a price of what was used. */
export type CallPrice = Price | MeteredPrice;

const scalarPrice = text({
  expects: PRICE,
  bare: true,
  pattern: `free|\\$${DECIMAL_PATTERN}|${DECIMAL_PATTERN} +[A-Za-z][A-Za-z0-9.₮]*`,
  parse: parsePrice,
});

const atomicPrice: Decoder<Price> = complete(atomicPriceKeys, ({ amount, asset: address }) => {
  return amount.kind === 'atomic' ? { kind: 'atomic', amount: amount.amount, asset: address } : undefined;
});

/** A price that is known before the call: `free`, `$0.001`, `0.25 USDC`, or atomic units. Never a number, which YAML would round. */
export const fixedPrice: Decoder<Price> = byKind<Price>(PRICE, { scalar: scalarPrice, map: atomicPrice });

/** The same, or a price of what was used. */
export const price: Decoder<CallPrice> = byKind<CallPrice>(PRICE, {
  scalar: scalarPrice,
  map: byKey<CallPrice>('upTo', meteredPrice, atomicPrice),
});
