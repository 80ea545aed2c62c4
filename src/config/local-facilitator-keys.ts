import type { FacilitatorSpec, LocalFacilitatorSpec } from '../domain/facilitator-spec.ts';
import type { Network } from '../domain/network.ts';
import { type Parsed, priceInUnits } from '../domain/price.ts';
import type { AssetTable } from './asset-table.ts';
import { allSound, type Decoder, type Fields, map, soundValue } from './decoder.ts';
import { duration } from './duration.ts';
import { rpcDecoder } from './facilitator-rpc-keys.ts';
import { list, valuesOf } from './forms.ts';
import { evmAddress } from './payment-keys.ts';
import { integer, text } from './text.ts';

/** Order of secp256k1: a private key lies between zero and this. */
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** Chains that it can send to. */
const LOCAL_FAMILIES: ReadonlySet<string> = new Set(['eip155']);

const privateKey: Decoder<`0x${string}`> = text({
  expects: `a private key of 0x and 64 hex digits, such as \${SETTLER_KEY}`,
  secret: true,
  pattern: '0x[0-9a-fA-F]{64}',
  parse: parsePrivateKey,
});

const gasPrice: Decoder<bigint> = text({
  expects: 'a gas price such as 50 gwei',
  pattern: '(?![0.]+ )(?:0|[1-9]\\d*)(?:\\.\\d{1,9})? gwei',
  parse: parseGasPrice,
});

/** The keys of `facilitator.local`. */
export function localKeys(table: AssetTable) {
  return map('a map with rpc and key', {
    rpc: {
      decoder: rpcDecoder(table, LOCAL_FAMILIES),
      required: true,
      description: 'A JSON-RPC URL for each network.',
      examples: [{ base: `\${BASE_RPC_URL}` }],
    },
    key: {
      decoder: privateKey,
      required: true,
      description: 'Private key of the account that pays the gas.',
      examples: [`\${SETTLER_KEY}`],
    },
    maxFeePerGas: { decoder: gasPrice, default: '50 gwei', description: 'Above this gas price nothing is settled.' },
    eip6492Factories: {
      decoder: list(evmAddress, 'a list of factory addresses'),
      description: "Factories that may deploy a payer's smart wallet. Default: none.",
    },
    confirmations: {
      decoder: integer('a whole number from 1 to 256', 1, 256),
      default: 1,
      description: 'Blocks until a settlement counts; 1 is its own block.',
    },
    failedGasPerPayer: {
      decoder: integer('a number of gas', 0, 1_000_000_000),
      default: 600_000,
      description:
        "Gas that one payer's settlements may take in an hour without moving money; above it nothing is sent for that payer.",
    },
    failedGas: {
      decoder: integer('a number of gas', 0, 1_000_000_000),
      default: 6_000_000,
      description: 'The same of all payers; above it each payment is settled alone, and simulated right before.',
    },
    settleTimeout: {
      decoder: duration,
      default: '60s',
      description: 'How long to wait for a receipt. Then the outcome is unknown, and looked for.',
    },
  });
}

/** One facilitator, as written. Its networks are known even when something else of it is wrong. */
export interface FacilitatorDraft {
  /** `undefined` when something of it is wrong. */
  readonly spec: FacilitatorSpec | undefined;
  /** `undefined` when only the start will tell. */
  readonly serves: ReadonlySet<Network> | undefined;
}

/** The facilitator inside the gateway. */
export function localDecoder(table: AssetTable): Decoder<FacilitatorDraft> {
  const keys = localKeys(table);
  return {
    expects: keys.expects,
    jsonSchema: keys.jsonSchema,
    decode(at, source) {
      const fields = keys.decode(at, source);
      if (fields === undefined) return undefined;
      return { spec: localSpec(fields), serves: soundValue(fields.rpc)?.networks };
    },
  };
}

function localSpec(fields: Fields<ReturnType<typeof localKeys>['keys']>): LocalFacilitatorSpec | undefined {
  const values = allSound(fields);
  if (values?.rpc.urls === undefined) return undefined;
  const factories = values.eip6492Factories ?? [];
  const sound = valuesOf(factories).map((factory) => factory.toLowerCase());
  if (sound.length !== factories.length) return undefined;
  return {
    kind: 'local',
    name: 'local',
    rpc: values.rpc.urls,
    key: values.key,
    maxFeePerGas: values.maxFeePerGas,
    eip6492Factories: sound,
    confirmations: values.confirmations,
    failedGas: { ofPayer: BigInt(values.failedGasPerPayer), inAll: BigInt(values.failedGas) },
    settleTimeoutMs: values.settleTimeout,
  };
}

function parsePrivateKey(given: string): Parsed<`0x${string}`> {
  const refused = { ok: false, wrong: 'the key is not a private key', right: '0x and 64 hex digits' } as const;
  if (!/^0x[0-9a-fA-F]{64}$/.test(given)) return refused;
  const value = BigInt(given);
  return value > 0n && value < CURVE_ORDER ? { ok: true, value: `0x${given.slice(2)}` } : refused;
}

function parseGasPrice(given: string): Parsed<bigint> {
  const right = 'a gas price such as 50 gwei';
  const decimal = /^((?:0|[1-9]\d{0,17})(?:\.\d{1,9})?) gwei$/.exec(given)?.[1];
  if (decimal === undefined) return { ok: false, wrong: `${JSON.stringify(given)} is not a gas price`, right };
  const wei = priceInUnits(decimal, 9);
  return wei.ok ? wei : { ok: false, wrong: 'a gas price of zero would never settle', right };
}
