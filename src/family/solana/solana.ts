import type { NetworkFamily } from '../../domain/network-family.ts';
import { fromBase58 } from '../../svm/base58.ts';
import { KEY_BYTES, SIGNATURE_BYTES } from '../../svm/public-key.ts';

const RIGHT = 'a Solana address of 32 bytes in base58, in quotes';

/** Solana: addresses are 32 bytes in base58, in which case counts; a transaction is called by its first signature. */
export const solana: NetworkFamily = {
  name: 'solana',
  typedData: false,
  readAddress(given) {
    const key = fromBase58(given, KEY_BYTES);
    if (key === undefined)
      return { ok: false, wrong: `${JSON.stringify(given)} is not a Solana address`, right: RIGHT };
    if (key.every((byte) => byte === 0)) {
      return { ok: false, wrong: 'the system program would keep the money for ever', right: RIGHT };
    }
    return { ok: true, value: given };
  },
  addressId: (address) => address,
  // Facilitators that only pretend to settle name a signature of zeros.
  isTransaction: (text) => fromBase58(text, SIGNATURE_BYTES)?.some((byte) => byte !== 0) === true,
};
