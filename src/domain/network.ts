import type { Brand } from './brand.ts';

/** A blockchain, as a CAIP-2 identifier: `eip155:8453`. */
export type Network = Brand<string, 'Network'>;

/**
 * CAIP-2: namespace of 3-8, reference of 1-32 characters; x402 names the networks of Algorand by the base64 of 32 bytes,
 * which is longer and has characters of its own. An EVM chain id has no leading zero, and no more digits than
 * a `number` holds exactly: two networks must not share a signing domain.
 */
const CAIP_2 = /^[-a-z0-9]{3,8}:[-_a-zA-Z0-9+/=]{1,64}$/;
const EVM_NETWORK = /^eip155:([1-9]\d{0,14})$/;

/** Reads a CAIP-2 identifier; the configuration resolves names such as `base`. */
export function parseNetwork(text: unknown): Network | undefined {
  if (typeof text !== 'string' || !CAIP_2.test(text)) return undefined;
  if (text.startsWith('eip155:') && !EVM_NETWORK.test(text)) return undefined;
  return text as Network;
}

/** The EIP-155 chain id of an EVM network, or `undefined` for another family. */
export function evmChainId(network: Network): number | undefined {
  const reference = EVM_NETWORK.exec(network)?.[1];
  return reference === undefined ? undefined : Number(reference);
}

/** The network family: what comes before the colon of the CAIP-2 identifier, such as `eip155` or `solana`. */
export function networkFamily(network: Network): string {
  return network.slice(0, network.indexOf(':'));
}
