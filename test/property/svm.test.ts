import {
  type Address,
  appendTransactionMessageInstructions,
  type Blockhash,
  compileTransaction,
  createTransactionMessage,
  getAddressEncoder,
  getBase58Decoder,
  getProgramDerivedAddress,
  getTransactionEncoder,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { solana } from '../../src/family/solana/solana.ts';
import { fromBase58, toBase58 } from '../../src/svm/base58.ts';
import { associatedTokenAccount, TOKEN_2022_PROGRAM, TOKEN_PROGRAM } from '../../src/svm/token-account.ts';
import { decodeTransaction } from '../../src/svm/transaction.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const address = bytes(32).map((key) => toBase58(key) as Address);

describe('base58', () => {
  it('is that of the official library, and one text stands for the bytes', () => {
    fc.assert(
      fc.property(bytes(32), fc.nat(31), (key, zeros) => {
        key.fill(0, 0, zeros);
        const text = toBase58(key);
        expect(text).toBe(getBase58Decoder().decode(key));
        expect(fromBase58(text, 32)).toEqual(Buffer.from(key));
        expect(fromBase58(`1${text}`, 32)).toBeUndefined();
      }),
    );
  });

  it('takes no other text for bytes', () => {
    for (const text of ['', '0', 'O', 'l', 'I', 'z'.repeat(44), '1'.repeat(31), '1'.repeat(33), 'é'.repeat(32)])
      expect(fromBase58(text, 32)).toBeUndefined();
  });

  it('keeps addresses that differ in case apart', () => {
    const mint = 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v';
    expect(solana.readAddress(mint)).toEqual({ ok: true, value: mint });
    expect(solana.addressId(mint.toLowerCase())).not.toBe(solana.addressId(mint));
    for (const text of [`0x${'11'.repeat(20)}`, '1'.repeat(32), mint.slice(4), ''])
      expect(solana.readAddress(text).ok).toBe(false);
  });
});

describe('the token account of a payee', () => {
  it('is the one that the official library derives', async () => {
    const encode = getAddressEncoder().encode;
    await fc.assert(
      fc.asyncProperty(
        address,
        address,
        fc.constantFrom(TOKEN_PROGRAM, TOKEN_2022_PROGRAM),
        async (owner, mint, program) => {
          const [derived] = await getProgramDerivedAddress({
            programAddress: 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL' as Address,
            seeds: [encode(owner), encode(program as Address), encode(mint)],
          });
          expect(associatedTokenAccount(owner, mint, program)).toBe(derived);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('a transaction', () => {
  const instruction = fc.record({
    programAddress: address,
    accounts: fc.array(fc.record({ address, role: fc.constantFrom(0, 1) }), { maxLength: 4 }),
    data: fc.uint8Array({ maxLength: 200 }),
  });

  it('is read as the official library wrote it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 'legacy'),
        address,
        bytes(32),
        fc.array(instruction, { maxLength: 3 }),
        (version, payer, hash, calls) => {
          const blockhash = toBase58(hash) as Blockhash;
          const message = pipe(
            createTransactionMessage({ version: version as 0 }),
            (made) => setTransactionMessageFeePayer(payer, made),
            (made) => setTransactionMessageLifetimeUsingBlockhash({ blockhash, lastValidBlockHeight: 1n }, made),
            (made) => appendTransactionMessageInstructions(calls, made),
          );
          const wire = Buffer.from(getTransactionEncoder().encode(compileTransaction(message)));
          const read = decodeTransaction(wire);
          expect(read?.signers).toEqual([payer]);
          expect(read?.recentBlockhash).toBe(blockhash);
          expect(read?.instructions).toEqual(
            calls.map(({ programAddress, accounts, data }) => ({
              program: programAddress,
              accounts: accounts.map((account) => account.address),
              data: Buffer.from(data),
            })),
          );
          // Nothing may be left over: it would be a second text of one payment.
          expect(decodeTransaction(Buffer.concat([wire, Buffer.of(0)]))).toBeUndefined();
          for (let length = 0; length < wire.length; length += 7)
            expect(decodeTransaction(wire.subarray(0, length))).toBeUndefined();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is read from random bytes without a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1400 }), (noise) => {
        const read = decodeTransaction(Buffer.from(noise));
        expect(read === undefined || read.signers.length > 0).toBe(true);
      }),
    );
  });
});
