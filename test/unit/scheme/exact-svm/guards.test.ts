import {
  type Address,
  appendTransactionMessageInstructions,
  type Blockhash,
  compileTransaction,
  createTransactionMessage,
  generateKeyPairSigner,
  getBase64EncodedWireTransaction,
  type Instruction,
  type KeyPairSigner,
  partiallySignTransaction,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/kit';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAmount } from '../../../../src/domain/amount.ts';
import type { Network } from '../../../../src/domain/network.ts';
import type { Offer } from '../../../../src/domain/offer.ts';
import { readSignedTransfer } from '../../../../src/facilitator/solana/signed-transfer.ts';
import { createExactSvm } from '../../../../src/scheme/exact-svm/exact-svm.ts';
import type { Authentication } from '../../../../src/scheme/scheme.ts';
import { MEMO_PROGRAM } from '../../../../src/svm/memo.ts';
import { associatedTokenAccount, TOKEN_PROGRAM } from '../../../../src/svm/token-account.ts';

const BUDGET = 'ComputeBudget111111111111111111111111111111';
const LIGHTHOUSE = 'L2TExMFKdjpN9kozasaurPirfHy9P8sbXoAN1qA3S95';
const SYSTEM = '11111111111111111111111111111111';
const MINT = '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU';
const BLOCKHASH = 'EETubP5AKHgjPAhzPAFcb8BAY1hMH639CWCFTqi3hq1k' as Blockhash;
const NOW = 1_800_000_000;
const LENGTH = 'invalid_exact_svm_payload_transaction_instructions_length';

type Step = 'limit' | 'price' | 'transfer' | 'memo' | 'guard' | 'other';

let buyer: KeyPairSigner;
let payee: KeyPairSigner;
let settler: KeyPairSigner;
let offer: Offer;
beforeAll(async () => {
  [buyer, payee, settler] = await Promise.all([
    generateKeyPairSigner(),
    generateKeyPairSigner(),
    generateKeyPairSigner(),
  ]);
  offer = offerOf(payee.address, settler.address);
});

describe('a payment on Solana with the guards of a wallet', () => {
  it.each([
    ['as Phantom puts them', 'limit price guard guard guard transfer memo guard'],
    ['behind the transfer', 'limit price transfer guard guard'],
    ['around the memo', 'limit price transfer guard memo guard'],
    ['before everything', 'guard limit price transfer'],
  ])('is taken, and its transfer is found again: %s', async (_, steps) => {
    const payload = await signed(steps);
    const read = await authenticate(payload);
    if (read.kind !== 'authentic') throw new Error(JSON.stringify(read));
    expect(read.authorization).toMatchObject({ payer: buyer.address, proved: true });
    const submission = { version: 2, payload: { x402Version: 2, accepted: offer.requirements, payload } } as const;
    const payment = { submission, offer, authorization: read.authorization, resourceUrl: 'https://api.example.com/' };
    expect(readSignedTransfer(payment, offer.amount)).toMatchObject({ payer: buyer.address, amount: offer.amount });
  });

  it.each([
    ['more than eight instructions', 'limit price transfer memo guard guard guard guard guard', LENGTH],
    ['too little beside its guards', 'limit guard guard transfer', LENGTH],
    [
      'a second price in the place of a guard',
      'limit price price transfer memo',
      'invalid_exact_svm_payload_no_transfer_instruction',
    ],
    [
      'another program before the transfer',
      'limit price other guard transfer',
      'invalid_exact_svm_payload_no_transfer_instruction',
    ],
    [
      'another program behind guards',
      'limit price guard transfer guard other',
      'invalid_exact_svm_payload_unknown_fourth_instruction',
    ],
    [
      'another program in the last place',
      'limit price transfer memo memo memo other',
      'invalid_exact_svm_payload_unknown_seventh_instruction',
    ],
    ['eight instructions without a guard', 'limit price transfer memo memo memo memo other', LENGTH],
  ])('is refused with %s', async (_, steps, reason) => {
    expect(await authenticate(await signed(steps))).toEqual({ kind: 'refused', reason });
  });
});

async function authenticate(payload: { transaction: string }): Promise<Authentication> {
  return await createExactSvm().authenticate(payload, offer, NOW);
}

/** A transaction of these steps, signed by the buyer alone. */
async function signed(steps: string): Promise<{ transaction: string }> {
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (empty) => setTransactionMessageFeePayer(settler.address, empty),
    (paid) => setTransactionMessageLifetimeUsingBlockhash({ blockhash: BLOCKHASH, lastValidBlockHeight: 1n }, paid),
    (living) =>
      appendTransactionMessageInstructions(
        steps.split(' ').map((step) => instruction(step as Step)),
        living,
      ),
  );
  const transaction = await partiallySignTransaction([buyer.keyPair], compileTransaction(message));
  return { transaction: getBase64EncodedWireTransaction(transaction) };
}

function instruction(step: Step): Instruction {
  switch (step) {
    case 'limit':
      return { programAddress: BUDGET as Address, data: Uint8Array.of(2, 32, 78, 0, 0) };
    case 'price':
      return { programAddress: BUDGET as Address, data: Uint8Array.of(3, 1, 0, 0, 0, 0, 0, 0, 0) };
    case 'transfer':
      return transfer();
    case 'memo':
      return { programAddress: MEMO_PROGRAM as Address, data: Buffer.from('0123456789abcdef') };
    case 'guard':
      // It asserts something of the account that pays the fees.
      return {
        programAddress: LIGHTHOUSE as Address,
        accounts: [{ address: settler.address, role: 3 }],
        data: Uint8Array.of(17),
      };
    case 'other':
      return { programAddress: SYSTEM as Address, data: Uint8Array.of(2) };
  }
}

function transfer(): Instruction {
  const data = Buffer.alloc(10);
  data.writeUInt8(12, 0);
  data.writeBigUInt64LE(offer.amount, 1);
  data.writeUInt8(6, 9);
  const accounts = [
    { address: associatedTokenAccount(buyer.address, MINT, TOKEN_PROGRAM) as Address, role: 1 },
    { address: MINT as Address, role: 0 },
    { address: associatedTokenAccount(payee.address, MINT, TOKEN_PROGRAM) as Address, role: 1 },
    { address: buyer.address, role: 2 },
  ];
  return { programAddress: TOKEN_PROGRAM as Address, accounts, data: new Uint8Array(data) };
}

function offerOf(payTo: string, feePayer: string): Offer {
  const network = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1' as Network;
  const amount = parseAmount('10000');
  if (amount === undefined) throw new Error('the price is an amount');
  const terms = { scheme: 'exact', network, payTo, maxTimeoutSeconds: 60 } as const;
  return {
    ...terms,
    asset: { network, address: MINT, symbol: 'USDC', decimals: 6 },
    amount,
    v1Network: undefined,
    requirements: { ...terms, amount: '10000', asset: MINT, extra: { feePayer } },
  };
}
