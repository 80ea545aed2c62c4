import type { NetworkFamily } from '../../domain/network-family.ts';
import type { Parsed } from '../../domain/price.ts';
import { parseAddress, parseHex } from '../../evm/address.ts';
import { checksumAddress } from '../../evm/checksum.ts';

const ZERO_ADDRESS = /^0x0{40}$/;
const ZERO_HASH = /^0x0{64}$/;
const RIGHT = 'an address of 0x and 40 hex digits, in quotes';

/** EVM chains: addresses are hexadecimal, and the casing of their letters is a checksum that carries no meaning. */
export const eip155: NetworkFamily = {
  name: 'eip155',
  typedData: true,
  readAddress: readEvmAddress,
  addressId: (address) => parseAddress(address) ?? address,
  // Facilitators that only pretend to settle name a hash of zeros.
  isTransaction: (text) => parseHex(text, 32) !== undefined && !ZERO_HASH.test(text),
};

/** Reads an EVM address that money or calls may go to. Mixed case must be the EIP-55 checksum, which catches a typo. */
export function readEvmAddress(given: string): Parsed<`0x${string}`> {
  const address = parseAddress(given);
  if (address === undefined)
    return { ok: false, wrong: `${JSON.stringify(given)} is not an EVM address`, right: RIGHT };
  if (ZERO_ADDRESS.test(address)) return { ok: false, wrong: 'the zero address would burn the money', right: RIGHT };
  if (given === address) return { ok: true, value: address };
  const checked = checksumAddress(given);
  if (checked === given) return { ok: true, value: checked };
  // Not "fixed" for the operator: a wrong digit in the address looks the same.
  return {
    ok: false,
    wrong: `${given} has a wrong EIP-55 checksum, so a digit may be wrong`,
    right: 'the address copied again',
  };
}
