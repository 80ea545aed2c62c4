import type { Network } from './network.ts';
import type { Parsed } from './price.ts';
import type { JsonObject } from './x402.ts';

/** How to reach one facilitator, as the configuration says it. */
export type FacilitatorSpec = RemoteFacilitatorSpec | LocalFacilitatorSpec | AddedFacilitatorSpec;

/** A facilitator behind HTTP. */
export interface RemoteFacilitatorSpec {
  readonly kind: 'remote';
  /** Id for metrics and logs: the URL's host. */
  readonly name: string;
  /** Base URL without trailing slash. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Time for a whole `/verify` call, in milliseconds. */
  readonly verifyTimeoutMs: number;
  /** Time for a whole `/settle` call, in milliseconds: chains are slow, and a timeout here leaves the outcome unknown. */
  readonly settleTimeoutMs: number;
  /** Coinbase Developer Platform API key: a JWT is made for each request. */
  readonly cdp: { readonly keyId: string; readonly keySecret: string } | undefined;
  /**
   * One JSON-RPC URL per EVM or Solana network on which settlements are proved by the chain. Where there is none, the
   * facilitator's answer decides. The gateway only reads from them.
   */
  readonly rpc: ReadonlyMap<Network, string>;
  /** Public nodes of networks that `rpc` does not name: asked only about settlements whose outcome is in doubt. */
  readonly publicNodes?: ReadonlyMap<Network, string>;
  /** The proxy, with its credentials, for each of these URLs that is asked through one. Default: none. */
  readonly proxies?: ReadonlyMap<string, string>;
}

/** The facilitator inside the gateway: talks to RPC nodes and pays the gas itself. */
export interface LocalFacilitatorSpec {
  readonly kind: 'local';
  readonly name: string;
  /** One JSON-RPC URL per network it serves. */
  readonly rpc: ReadonlyMap<Network, string>;
  /** The proxy, with its credentials, for each of these URLs that is asked through one. Default: none. */
  readonly proxies?: ReadonlyMap<string, string>;
  /** 32-byte private key of the account that sends settlements and pays gas, `0x` and 64 hex digits. */
  readonly key: `0x${string}`;
  /** Gas that settlements may take within an hour without moving money. */
  readonly failedGas: { readonly ofPayer: bigint; readonly inAll: bigint };
  /** Highest `maxFeePerGas` to settle at, in wei; above it settlements are refused as overloaded. */
  readonly maxFeePerGas: bigint;
  /** ERC-6492 factories that may be called to deploy a payer's wallet; lower case. Empty: none. */
  readonly eip6492Factories: readonly string[];
  /** Blocks on top of a settlement before it counts; 1 is its own block. */
  readonly confirmations: number;
  /** How long to wait for a receipt, in milliseconds; after it the outcome is unknown. */
  readonly settleTimeoutMs: number;
}

/** A facilitator of a kind that is not built in: a program that embeds the gateway brought it. */
export interface AddedFacilitatorSpec extends FacilitatorFacts {
  readonly kind: 'added';
  /** The name of its kind. */
  readonly of: string;
  readonly name: string;
  /** What the file says under the name of the kind. */
  readonly settings: JsonObject;
}

/** The facts that a gateway needs of a facilitator whose settings only its kind can read. */
export interface FacilitatorFacts {
  /** Whether it settles with a key of this gateway, so that only one of its processes may. */
  readonly settlesHere: boolean;
  /** The networks that it settles on; `undefined` when only the facilitator can tell. */
  readonly networks: readonly Network[] | undefined;
  /** JSON-RPC URLs by network, where contracts of tokens can be asked. */
  readonly rpc: ReadonlyMap<Network, string>;
  /** The proxy, with its credentials, for each of these URLs that is asked through one. Default: none. */
  readonly proxies?: ReadonlyMap<string, string>;
  /** Time for a settlement, in milliseconds; after it the outcome is unknown. */
  readonly settleTimeoutMs: number;
}

/** How the settings of a kind of facilitator are read. */
export interface FacilitatorForm {
  /** The name of the kind: `facilitator: { <name>: { … } }`. */
  readonly name: string;
  /** What would be right under that key, as a noun phrase. */
  readonly expects: string;
  /** Reads what stands under the key. Settings may hold secrets, so that no message shows them. */
  read(settings: JsonObject): Parsed<FacilitatorFacts>;
}
