import { parseAddress } from './address.ts';
import { loadKeccak256 } from './keccak.ts';

// Checked synchronously, key by key, while a configuration is read. WebAssembly instances load asynchronously.
const keccak256 = await loadKeccak256();

/**
 * Writes an address in the casing of EIP-55, which is a checksum: a letter is upper-case where the digit of the hash of
 * the lower-case address at its place is 8 or more. `undefined` for what is no address.
 *
 * @param given `0x` and 40 hex digits in any casing
 */
export function checksumAddress(given: string): `0x${string}` | undefined {
  const address = parseAddress(given);
  if (address === undefined) return undefined;
  const digits = address.slice(2);
  const hash = Buffer.from(keccak256(Buffer.from(digits, 'latin1'))).toString('hex');
  const cased = Array.from(digits, (digit, at) => ((hash[at] ?? '0') >= '8' ? digit.toUpperCase() : digit));
  return `0x${cased.join('')}`;
}
