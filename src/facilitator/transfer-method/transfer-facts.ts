import type { Amount } from '../../domain/amount.ts';
import type { Address, Hex } from '../../evm/address.ts';
import type { SignerRecovery } from '../../evm/signer-recovery.ts';

/** What every signed transfer holds. `amount` is what we ask for, in atomic units. */
export interface TransferFacts {
  readonly asset: Address;
  readonly payer: Address;
  readonly payTo: Address;
  readonly amount: Amount;
  /** The EIP-712 digest that was signed, 32 bytes. */
  readonly digest: Hex;
  /** The signature that the contract gets, without its ERC-6492 wrapping. */
  readonly signature: Hex;
  /** Whether `payer`'s own key made the signature, in the form that tokens accept. Says nothing of accounts with code. */
  readonly signedByKey: boolean;
}

/** What our offer says of a transfer. */
export type OfferedFacts = Pick<TransferFacts, 'asset' | 'payTo' | 'amount'>;

/** What the payer's signature says of a transfer. */
export function signedFacts(
  payer: Address,
  digest: Uint8Array,
  signature: Hex,
  recovery: SignerRecovery,
): Omit<TransferFacts, keyof OfferedFacts> {
  const bytes = Buffer.from(signature.slice(2), 'hex');
  const signedByKey = recovery.recover(digest, bytes) === payer;
  return { payer, digest: `0x${Buffer.from(digest).toString('hex')}`, signature, signedByKey };
}
