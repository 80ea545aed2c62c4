import { type Address, type Hex, parseHex } from './address.ts';
import { type Keccak256, loadKeccak256 } from './keccak.ts';
import { loadSignerRecovery, type SignerRecovery } from './signer-recovery.ts';

/** Recovers the signer of a text by `personal_sign`. */
export interface MessageSigners {
  /**
   * The plain account whose key signed `message`. `undefined` for a signature that no key made, that is not 65 bytes
   * long, or that has a high `s` or a `v` other than 27 and 28: so no second form of a signature is accepted.
   */
  signerOf(message: string, signature: Hex): Address | undefined;
}

/** Loads the cryptography. */
export async function loadMessageSigners(): Promise<MessageSigners> {
  const keccak256 = await loadKeccak256();
  return messageSigners(keccak256, await loadSignerRecovery(keccak256));
}

function messageSigners(keccak256: Keccak256, recovery: SignerRecovery): MessageSigners {
  return {
    signerOf(message, signature) {
      const bytes = parseHex(signature, 65);
      if (bytes === undefined) return undefined;
      return recovery.recover(personalMessageDigest(message, keccak256), Buffer.from(bytes.slice(2), 'hex'));
    },
  };
}

/**
 * The digest that `personal_sign` signs.
 *
 * @see https://eips.ethereum.org/EIPS/eip-191 version 0x45
 */
function personalMessageDigest(message: string, keccak256: Keccak256): Uint8Array {
  const text = Buffer.from(message, 'utf8');
  return keccak256(Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${text.length}`, 'latin1'), text]));
}
