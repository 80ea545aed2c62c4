import { type Hex, hashTypedData, hexToBytes, recoverTypedDataAddress } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadKeccak256 } from '../../../src/evm/keccak.ts';
import { loadSignerRecovery, type SignerRecovery } from '../../../src/evm/signer-recovery.ts';
import { reencode, TRANSFER_TYPES } from '../../support/exact-evm-payments.ts';

const ORDER = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
const HALF_ORDER = '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0';
const ZERO = '0'.repeat(64);

const typedData = {
  domain: { name: 'USDC', version: '2', chainId: 84532, verifyingContract: `0x${'03'.repeat(20)}` },
  types: TRANSFER_TYPES,
  primaryType: 'TransferWithAuthorization',
  message: {
    from: `0x${'01'.repeat(20)}`,
    to: `0x${'02'.repeat(20)}`,
    value: 10_000n,
    validAfter: 0n,
    validBefore: 1_900_000_000n,
    nonce: `0x${'04'.repeat(32)}`,
  },
} as const;
const digest = hexToBytes(hashTypedData(typedData));
const account = privateKeyToAccount(`0x${'11'.repeat(32)}`);

describe.each(['native', 'wasm'] as const)('the %s signer recovery', (engine) => {
  let recovery: SignerRecovery;
  let signature: Hex;
  const recover = (hex: Hex, of = digest) => recovery.recover(of, hexToBytes(hex));

  beforeAll(async () => {
    recovery = await loadSignerRecovery(await loadKeccak256(), [engine]);
    signature = await account.signTypedData(typedData);
  });

  it('uses the engine that was asked for', () => {
    expect(recovery.engine).toBe(engine);
  });

  it('finds the same signer as viem', async () => {
    for (let nonce = 0; nonce < 20; nonce += 1) {
      const data = { ...typedData, message: { ...typedData.message, value: BigInt(nonce) } };
      const signed = await privateKeyToAccount(generatePrivateKey()).signTypedData(data);
      const expected = await recoverTypedDataAddress({ ...data, signature: signed });
      expect(recover(signed, hexToBytes(hashTypedData(data)))).toBe(expected.toLowerCase());
    }
  });

  it('finds another signer for another digest', () => {
    const other = Uint8Array.from(digest);
    other[31] = (other[31] ?? 0) ^ 1;
    expect(recover(signature, other)).not.toBe(account.address.toLowerCase());
  });

  it('finds no signer for the malleable twin of a signature, which tokens refuse', () => {
    expect(recover(reencode.highS(signature))).toBeUndefined();
  });

  it.each([0, 1, 2, 26, 29, 30, 31, 35, 255])('finds no signer for a v of %i', (v) => {
    expect(recover(reencode.withV(signature, v))).toBeUndefined();
  });

  it('finds no signer for a compact signature, which tokens refuse', () => {
    expect(recover(reencode.compact(signature))).toBeUndefined();
  });

  it.each([0, 1, 32, 64, 66, 96, 1000])('finds no signer for %i bytes', (length) => {
    const bytes = new Uint8Array(length).fill(27);
    bytes.set(hexToBytes(signature).subarray(0, Math.min(65, length)));
    expect(recovery.recover(digest, bytes)).toBeUndefined();
  });

  it.each([
    ['r is zero', ZERO, HALF_ORDER],
    ['s is zero', HALF_ORDER, ZERO],
    ['both are zero', ZERO, ZERO],
    ['r is the order', ORDER, HALF_ORDER],
    ['r is above the order', 'f'.repeat(64), HALF_ORDER],
    ['s is the order', HALF_ORDER, ORDER],
    ['s is above the order', HALF_ORDER, 'f'.repeat(64)],
    ['s is one above half the order', HALF_ORDER, HALF_ORDER.replace(/a0$/, 'a1')],
    // x = 5 is on no point of the curve.
    ['r is on no point', `${'0'.repeat(63)}5`, HALF_ORDER],
  ])('finds no signer where %s', (_, r, s) => {
    for (const v of ['1b', '1c']) expect(recover(`0x${r}${s}${v}`)).toBeUndefined();
  });
});

describe('loading a signer recovery', () => {
  it('takes the first engine that loads, and fails where there is none', async () => {
    const keccak256 = await loadKeccak256();
    expect((await loadSignerRecovery(keccak256, ['wasm', 'native'])).engine).toBe('wasm');
    await expect(loadSignerRecovery(keccak256, [])).rejects.toThrow('none of these secp256k1 engines');
  });
});
