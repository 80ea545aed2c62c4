import type { Address, Hex } from './address.ts';
import type { Eip3009Payload } from './eip3009.ts';
import type { Keccak256 } from './keccak.ts';
import type { Permit2Payload, PermitForm } from './permit2.ts';

const DOMAIN_TYPE = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)';
const PERMIT2_DOMAIN_TYPE = 'EIP712Domain(string name,uint256 chainId,address verifyingContract)';
const TRANSFER_TYPE =
  'TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)';
const TOKEN_PERMISSIONS_TYPE = 'TokenPermissions(address token,uint256 amount)';
const PERMIT_TYPE =
  'PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)';

/** Most that six bytes hold: beyond any time or price of common sense, and quicker to write than a `uint256`. */
const SIX_BYTES = 2n ** 48n - 1n;

/** The EIP-712 domain of a token. */
export interface TokenDomain {
  readonly name: string;
  readonly version: string;
  readonly chainId: number;
  readonly verifyingContract: Address;
}

/**
 * EIP-712 digests of the structures that payments sign, written into fixed layouts: no general encoder runs on
 * the hot path. Tests hold them against viem's.
 *
 * @see https://eips.ethereum.org/EIPS/eip-712
 */
export interface Digests {
  tokenDomain(domain: TokenDomain): Uint8Array;
  permit2Domain(chainId: number, permit2: Address): Uint8Array;
  transferWithAuthorization(domainSeparator: Uint8Array, payload: Eip3009Payload): Uint8Array;
  permitWitnessTransfer<P extends Permit2Payload>(
    domainSeparator: Uint8Array,
    form: Pick<PermitForm<P>, 'witness'>,
    payload: P,
  ): Uint8Array;
}

/** Prepares the digests: type hashes are computed here, and those of a witness at its first use. */
export function createDigests(keccak256: Keccak256): Digests {
  const hashText = (text: string): Uint8Array => keccak256(Buffer.from(text, 'utf8'));
  const hashWords = (...words: Uint8Array[]): Uint8Array => keccak256(Buffer.concat(words));
  const domainType = hashText(DOMAIN_TYPE);
  const permit2DomainType = hashText(PERMIT2_DOMAIN_TYPE);
  const transferType = hashText(TRANSFER_TYPE);
  const tokenPermissionsType = hashText(TOKEN_PERMISSIONS_TYPE);
  const witnessTypes = new Map<string, WitnessTypes>();
  const typesOf = (type: string): WitnessTypes => {
    const known = witnessTypes.get(type);
    if (known !== undefined) return known;
    const types = { witness: hashText(type), permit: hashText(`${PERMIT_TYPE}${TOKEN_PERMISSIONS_TYPE}${type}`) };
    witnessTypes.set(type, types);
    return types;
  };
  const permit2Name = hashText('Permit2');
  // Filled for each payment and read before anything else runs; only the words that differ are written.
  const message = Buffer.alloc(66);
  message.set([0x19, 0x01]);
  const signed = (domainSeparator: Uint8Array, structHash: Uint8Array): Uint8Array => {
    message.set(domainSeparator, 2);
    message.set(structHash, 34);
    return keccak256(message);
  };
  const permitHash = (type: Uint8Array, permit: Permit2Payload, witnessHash: Uint8Array): Uint8Array =>
    hashWords(
      type,
      hashWords(tokenPermissionsType, hexWord(permit.permitted.token), word(permit.permitted.amount)),
      hexWord(permit.spender),
      word(permit.nonce),
      word(permit.deadline),
      witnessHash,
    );
  const transfer = Buffer.alloc(7 * 32);
  transfer.set(transferType);

  return {
    tokenDomain: ({ name, version, chainId, verifyingContract }) =>
      hashWords(domainType, hashText(name), hashText(version), word(BigInt(chainId)), hexWord(verifyingContract)),
    permit2Domain: (chainId, permit2) =>
      hashWords(permit2DomainType, permit2Name, word(BigInt(chainId)), hexWord(permit2)),
    transferWithAuthorization(domainSeparator, { from, to, value, validAfter, validBefore, nonce }) {
      transfer.write(from.slice(2), 32 + 12, 'hex');
      transfer.write(to.slice(2), 64 + 12, 'hex');
      writeWord(transfer, value, 96);
      writeWord(transfer, validAfter, 128);
      writeWord(transfer, validBefore, 160);
      transfer.write(nonce.slice(2), 192, 'hex');
      return signed(domainSeparator, keccak256(transfer));
    },
    permitWitnessTransfer(domainSeparator, { witness }, permit) {
      const types = typesOf(witness.type);
      const members = witness
        .members(permit.witness)
        .map((member) => (typeof member === 'bigint' ? word(member) : hexWord(member)));
      return signed(domainSeparator, permitHash(types.permit, permit, hashWords(types.witness, ...members)));
    },
  };
}

/** Type hashes of a witness, and of the permits that have it. */
interface WitnessTypes {
  readonly witness: Uint8Array;
  readonly permit: Uint8Array;
}

/** A `uint256` as 32 bytes. */
function word(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}

/** Writes a `uint256` at an offset, in bytes. */
function writeWord(target: Buffer, value: bigint, offset: number): void {
  if (value <= SIX_BYTES) {
    target.fill(0, offset, offset + 26);
    target.writeUIntBE(Number(value), offset + 26, 6);
  } else {
    target.write(value.toString(16).padStart(64, '0'), offset, 'hex');
  }
}

/** An address or `bytes32` as 32 bytes, left-padded. */
function hexWord(value: Hex | Address): Uint8Array {
  return Buffer.from(value.slice(2).padStart(64, '0'), 'hex');
}
