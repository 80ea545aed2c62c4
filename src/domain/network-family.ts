import { type Network, networkFamily } from './network.ts';
import type { Parsed } from './price.ts';

/**
 * What the chains of one CAIP-2 namespace have in common: how accounts and contracts are written, when two texts mean the
 * same one, and what a transaction is called. One folder each under `src/family`, one line in `src/registry.ts`.
 *
 * No other part of the gateway compares, folds or checks an address or a transaction id on its own.
 */
export interface NetworkFamily {
  /** The CAIP-2 namespace, such as `eip155`. */
  readonly name: string;
  /**
   * Whether a token is paid with by signing EIP-712 typed data: then an asset has `name`, `version` and `transferMethod`.
   * Elsewhere its address and its decimals are all there is to know.
   */
  readonly typedData: boolean;
  /**
   * Reads an address that money or calls go to, as an operator writes it. Strict: what can be a typo is refused, with
   * words for the operator.
   */
  readAddress(given: string): Parsed<string>;
  /**
   * The one text that stands for all spellings of an address, for keys and comparisons. A text that is no address is
   * returned unchanged.
   */
  addressId(address: string): string;
  /** Whether a text can be the id of a transaction. */
  isTransaction(text: string): boolean;
}

/** The families that a gateway knows. */
export interface NetworkFamilies {
  /** The family of a network; for a namespace that is not known, one that takes every text as it is. */
  of(network: Network): NetworkFamily;
  /** The family of a namespace; `undefined` when it is not known. */
  named(name: string): NetworkFamily | undefined;
}

/** Puts families into a list to look them up in. */
export function networkFamilies(list: readonly NetworkFamily[]): NetworkFamilies {
  const known = new Map(list.map((family) => [family.name, family]));
  return {
    of: (network) => known.get(networkFamily(network)) ?? unknownFamily(networkFamily(network)),
    named: (name) => known.get(name),
  };
}

/** Whether two texts are the same address of a family. */
export function sameAddress(family: NetworkFamily, one: string, other: string): boolean {
  return one === other || family.addressId(one) === family.addressId(other);
}

/** An asset for keys: equal for all spellings of one asset, and for no two assets. */
export function assetId(families: NetworkFamilies, network: Network, address: string): string {
  return `${network} ${families.of(network).addressId(address)}`;
}

/** Base58, base64, hex, or `account@seconds.nanoseconds`: in any plausible length. */
const TRANSACTION = /^[0-9A-Za-z_+/=:.@-]{16,256}$/;

/** Printable, without spaces: the least that an address of any family must be. */
const ADDRESS = /^[!-~]{1,128}$/;

/** A family of which nothing is known: case counts, and only the facilitator can tell what is an address. */
function unknownFamily(name: string): NetworkFamily {
  return {
    name,
    typedData: false,
    readAddress: (given) =>
      ADDRESS.test(given)
        ? { ok: true, value: given }
        : { ok: false, wrong: `${JSON.stringify(given)} is no address`, right: 'an address, in quotes' },
    addressId: (address) => address,
    isTransaction: (text) => TRANSACTION.test(text),
  };
}
