import { uptoPermit2WitnessTypes } from '@x402/evm';
import fc from 'fast-check';
import { bytesToHex, getAddress, type Hex, hashTypedData } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Address } from '../../src/evm/address.ts';
import { PERMIT2 } from '../../src/evm/addresses.ts';
import { createDigests, type Digests } from '../../src/evm/eip712.ts';
import { loadKeccak256 } from '../../src/evm/keccak.ts';
import { EXACT_PERMIT } from '../../src/evm/permit2.ts';
import { UPTO_PERMIT } from '../../src/evm/upto/upto-permit.ts';
import { PERMIT_TYPES, TRANSFER_TYPES } from '../support/exact-evm-payments.ts';

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value): Hex => bytesToHex(value));
const address = hex(20).map((value) => value as Address);
const uint256 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.constantFrom(0n, 1n, 2n ** 256n - 1n));
const chainId = fc.integer({ min: 1, max: 999_999_999_999_999 });
const domain = fc.record({
  name: fc.string({ unit: 'grapheme', maxLength: 40 }),
  version: fc.string({ maxLength: 5 }),
  chainId,
  verifyingContract: address,
});

let digests: Digests;
beforeAll(async () => {
  digests = createDigests(await loadKeccak256());
});

describe('the digest of an EIP-3009 transfer', () => {
  const transfer = fc.record({
    signature: fc.constant<Hex>('0x'),
    from: address,
    to: address,
    value: uint256,
    validAfter: uint256,
    validBefore: uint256,
    nonce: hex(32),
  });

  it('is the one that EIP-712 asks for', () => {
    fc.assert(
      fc.property(domain, transfer, (tokenDomain, payload) => {
        const { signature: _, from, to, ...message } = payload;
        const expected = hashTypedData({
          domain: { ...tokenDomain, verifyingContract: getAddress(tokenDomain.verifyingContract) },
          types: TRANSFER_TYPES,
          primaryType: 'TransferWithAuthorization',
          message: { from: getAddress(from), to: getAddress(to), ...message },
        });
        const separator = digests.tokenDomain(tokenDomain);
        expect(bytesToHex(digests.transferWithAuthorization(separator, payload))).toBe(expected);
      }),
      { numRuns: 150 },
    );
  });
});

const permit = {
  signature: fc.constant<Hex>('0x'),
  from: address,
  permitted: fc.record({ token: address, amount: uint256 }),
  spender: address,
  nonce: uint256,
  deadline: uint256,
};

describe('the digest of an exact Permit2 transfer', () => {
  const exact = fc.record({ ...permit, witness: fc.record({ to: address, validAfter: uint256 }) });

  it('is the one that EIP-712 asks for', () => {
    fc.assert(
      fc.property(chainId, exact, (chain, payload) => {
        const { signature: _, from: __, ...message } = payload;
        const expected = hashTypedData({
          domain: { name: 'Permit2', chainId: chain, verifyingContract: PERMIT2 },
          types: PERMIT_TYPES,
          primaryType: 'PermitWitnessTransferFrom',
          message,
        });
        const separator = digests.permit2Domain(chain, PERMIT2);
        expect(bytesToHex(digests.permitWitnessTransfer(separator, EXACT_PERMIT, payload))).toBe(expected);
      }),
      { numRuns: 150 },
    );
  });
});

describe('the digest of an upto Permit2 transfer', () => {
  const upto = fc.record({
    ...permit,
    witness: fc.record({ to: address, facilitator: address, validAfter: uint256 }),
  });

  it('is the one that EIP-712 asks for, with the types of the official client', () => {
    fc.assert(
      fc.property(chainId, upto, (chain, payload) => {
        const { signature: _, from: __, ...message } = payload;
        const expected = hashTypedData({
          domain: { name: 'Permit2', chainId: chain, verifyingContract: PERMIT2 },
          types: uptoPermit2WitnessTypes,
          primaryType: 'PermitWitnessTransferFrom',
          message,
        });
        const separator = digests.permit2Domain(chain, PERMIT2);
        expect(bytesToHex(digests.permitWitnessTransfer(separator, UPTO_PERMIT, payload))).toBe(expected);
      }),
      { numRuns: 150 },
    );
  });
});
