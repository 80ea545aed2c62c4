import type { NetworkFamily } from '../../../src/domain/network-family.ts';

/*
 * A made-up network family: accounts and tokens are `M` and an ed25519 public key in base58, a transaction is `tx.` and
 * a number. Case counts.
 */

const DIGITS = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const KEY_BYTES = 32;

export const moorFamily: NetworkFamily = {
  name: 'moor',
  typedData: false,
  readAddress: (given) =>
    publicKeyOf(given) === undefined
      ? { ok: false, wrong: `${JSON.stringify(given)} is no account of Moor`, right: 'M and a key in base58' }
      : { ok: true, value: given },
  addressId: (address) => address,
  isTransaction: (text) => /^tx\.\d{1,12}$/.test(text),
};

/** The account of a public key. */
export function moorAddress(publicKey: Uint8Array): string {
  let value = BigInt(`0x${Buffer.from(publicKey).toString('hex')}`);
  let text = '';
  for (; value > 0n; value /= 58n) text = `${DIGITS[Number(value % 58n)]}${text}`;
  return `M${text}`;
}

/** The public key of an account, or `undefined` for what is no account. */
export function publicKeyOf(address: string): Buffer | undefined {
  if (!/^M[1-9A-HJ-NP-Za-km-z]{30,46}$/.test(address)) return undefined;
  let value = 0n;
  for (const digit of address.slice(1)) value = value * 58n + BigInt(DIGITS.indexOf(digit));
  const hex = value.toString(16);
  return hex.length > 2 * KEY_BYTES ? undefined : Buffer.from(hex.padStart(2 * KEY_BYTES, '0'), 'hex');
}
