import { keccak256, stringToBytes } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import type { TypedDataToken } from '../../../domain/asset.ts';
import { TRANSFER_AUTHORIZATION } from '../../../paywall/transfer-authorization.ts';
import { encodeBase64url } from '../../../protocol/mpp/base64url.ts';
import { CREDENTIAL_TYPE } from '../../../protocol/mpp/charge-request.ts';
import type { PayableChallenge } from './challenge.ts';

/**
 * Signs the payment of a challenge: a `TransferWithAuthorization` (EIP-3009) of just its amount, with the nonce that binds
 * it to the challenge, good until the challenge ends. Signing the same challenge twice makes the same payment.
 *
 * @param token the EIP-712 domain, from our own table: a challenge does not state it
 * @returns the credential with its scheme, as the challenge's field takes it
 * @see draft-evm-charge-00, "Authorization Payload"
 */
export async function signCredential(
  { parameters, id, realm, chainId, expiresAt, offer }: PayableChallenge,
  wallet: PrivateKeyAccount,
  token: TypedDataToken,
): Promise<string> {
  const message = {
    from: wallet.address,
    to: offer.payTo as `0x${string}`,
    value: offer.amount,
    validAfter: 0n,
    validBefore: BigInt(expiresAt),
    nonce: keccak256(stringToBytes(id + realm)),
  };
  const signature = await wallet.signTypedData({
    domain: { name: token.name, version: token.version, chainId, verifyingContract: token.address as `0x${string}` },
    types: { TransferWithAuthorization: TRANSFER_AUTHORIZATION },
    primaryType: 'TransferWithAuthorization',
    message,
  });
  const { value, validAfter, validBefore } = message;
  const numbers = { value: `${value}`, validAfter: `${validAfter}`, validBefore: `${validBefore}` };
  const credential = {
    challenge: Object.fromEntries(parameters),
    payload: { ...message, ...numbers, type: CREDENTIAL_TYPE, signature },
    source: `did:pkh:eip155:${chainId}:${wallet.address}`,
  };
  return `Payment ${encodeBase64url(JSON.stringify(credential))}`;
}
