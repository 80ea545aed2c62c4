import type { Address, Hex } from './address.ts';
import type { Eip3009Payload } from './eip3009.ts';
import type { Keccak256 } from './keccak.ts';
import type { Permit2Payload } from './permit2.ts';

const DOMAIN_TYPE = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)';
const PERMIT2_DOMAIN_TYPE = 'EIP712Domain(string name,uint256 chainId,address verifyingContract)';
const TRANSFER_TYPE =
  'TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)';
const TOKEN_PERMISSIONS_TYPE = 'TokenPermissions(address token,uint256 amount)';
const WITNESS_TYPE = 'Witness(address to,uint256 validAfter)';
const PERMIT_TYPE = `PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)${TOKEN_PERMISSIONS_TYPE}${WITNESS_TYPE}`;

/** The EIP-712 domain of a token. */
export interface TokenDomain {
  readonly name: string;
  readonly version: string;
  readonly chainId: number;
  readonly verifyingContract: Address;
}

/**
 * EIP-712 digests of the structures that `exact` payments sign, written into fixed layouts: no general encoder runs on
 * the hot path. Tests hold them against viem's.
 *
 * @see https://eips.ethereum.org/EIPS/eip-712
 */
export interface Digests {
  tokenDomain(domain: TokenDomain): Uint8Array;
  permit2Domain(chainId: number, permit2: Address): Uint8Array;
  transferWithAuthorization(domainSeparator: Uint8Array, payload: Eip3009Payload): Uint8Array;
  permitWitnessTransfer(domainSeparator: Uint8Array, payload: Permit2Payload): Uint8Array;
}

/** Prepares the digests: type hashes are computed here, once. */
export function createDigests(keccak256: Keccak256): Digests {
  const hashText = (text: string): Uint8Array => keccak256(Buffer.from(text, 'utf8'));
  const hashWords = (...words: Uint8Array[]): Uint8Array => keccak256(Buffer.concat(words));
  const domainType = hashText(DOMAIN_TYPE);
  const permit2DomainType = hashText(PERMIT2_DOMAIN_TYPE);
  const transferType = hashText(TRANSFER_TYPE);
  const tokenPermissionsType = hashText(TOKEN_PERMISSIONS_TYPE);
  const witnessType = hashText(WITNESS_TYPE);
  const permitType = hashText(PERMIT_TYPE);
  const permit2Name = hashText('Permit2');
  const signed = (domainSeparator: Uint8Array, structHash: Uint8Array): Uint8Array =>
    keccak256(Buffer.concat([Buffer.from([0x19, 0x01]), domainSeparator, structHash]));

  return {
    tokenDomain: ({ name, version, chainId, verifyingContract }) =>
      hashWords(domainType, hashText(name), hashText(version), word(BigInt(chainId)), hexWord(verifyingContract)),
    permit2Domain: (chainId, permit2) =>
      hashWords(permit2DomainType, permit2Name, word(BigInt(chainId)), hexWord(permit2)),
    transferWithAuthorization: (domainSeparator, { from, to, value, validAfter, validBefore, nonce }) =>
      signed(
        domainSeparator,
        hashWords(
          transferType,
          hexWord(from),
          hexWord(to),
          word(value),
          word(validAfter),
          word(validBefore),
          hexWord(nonce),
        ),
      ),
    permitWitnessTransfer: (domainSeparator, { permitted, spender, nonce, deadline, witness }) =>
      signed(
        domainSeparator,
        hashWords(
          permitType,
          hashWords(tokenPermissionsType, hexWord(permitted.token), word(permitted.amount)),
          hexWord(spender),
          word(nonce),
          word(deadline),
          hashWords(witnessType, hexWord(witness.to), word(witness.validAfter)),
        ),
      ),
  };
}

/** A `uint256` as 32 bytes. */
function word(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}

/** An address or `bytes32` as 32 bytes, left-padded. */
function hexWord(value: Hex | Address): Uint8Array {
  return Buffer.from(value.slice(2).padStart(64, '0'), 'hex');
}
