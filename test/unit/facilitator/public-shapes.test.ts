import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/domain/x402.ts';
import { expectationOf } from '../../../src/facilitator/remote/answer-fields.ts';
import { readSettleAnswer } from '../../../src/facilitator/remote/settle-answer.ts';
import { readSupportedAnswer } from '../../../src/facilitator/remote/supported-answer.ts';
import { readVerifyAnswer } from '../../../src/facilitator/remote/verify-answer.ts';
import { families } from '../../../src/registry.ts';
import { SCRIPTED_PAYER, SCRIPTED_TRANSACTION, scriptedPayment } from '../../support/scripted-facilitator.ts';

/*
 * Answers in the shapes that public facilitators are known to send, by reports in public trackers: read as liberally as
 * money allows, and acted on strictly.
 */

const payment = scriptedPayment(2);
const EXPECTED = expectationOf(payment, payment.offer.amount, families);
const network = 'eip155:84532';
const payer = SCRIPTED_PAYER;
const transaction = SCRIPTED_TRANSACTION;

interface Settle {
  readonly from: string;
  readonly answer: JsonObject;
  readonly status?: number;
  readonly is: 'settled' | 'failed' | 'unknown';
}

const SETTLE: readonly Settle[] = [
  { from: 'the specification', answer: { success: true, transaction, network, payer }, is: 'settled' },
  {
    from: 'one that states nothing as null',
    answer: { success: true, transaction, network, payer: null, errorReason: null, errorMessage: null },
    is: 'settled',
  },
  {
    from: 'one that tells the amount',
    answer: { success: true, transaction, network, payer, amount: '10000', extensions: {} },
    is: 'settled',
  },
  {
    // x402-rs/x402-rs issue 119
    from: 'x402-rs 2.0.2, which leaves network and payer empty where it fails',
    answer: { success: false, errorReason: 'insufficient_funds', transaction: '', network: '', payer: '' },
    is: 'failed',
  },
  {
    from: 'one that leaves out what it does not know where it fails',
    answer: { success: false, errorReason: 'insufficient_funds' },
    is: 'failed',
  },
  {
    // x402-foundation/x402 issue 837
    from: 'CDP, whose transfer failed',
    answer: { success: false, errorReason: 'failed_to_execute_transfer', transaction: '', network, payer },
    is: 'unknown',
  },
  {
    // x402-foundation/x402 pull request 899
    from: 'one that says success, and no transaction',
    answer: { success: true, transaction: null, message: 'Settlement completed', details: { settlement_id: 'stl_1' } },
    is: 'unknown',
  },
  {
    // Lamatic/AgentKit pull request 411
    from: 'one with reasons of its own',
    answer: { success: false, errorReason: 'rate_limited', transaction: '', network: '', payer: '' },
    status: 429,
    is: 'unknown',
  },
  {
    from: 'one whose transaction reverted',
    answer: { success: false, errorReason: 'settlement_failed', transaction, network, payer },
    is: 'unknown',
  },
];

describe('a settle answer as facilitators send it', () => {
  it.each(SETTLE)('of $from is $is', ({ answer, status = 200, is }) => {
    expect(readSettleAnswer(answer, EXPECTED, status).kind).toBe(is);
  });
});

describe('a verify answer as facilitators send it', () => {
  it.each([
    ['without a payer', { isValid: true }, 'valid'],
    ['with a null reason', { isValid: true, invalidReason: null, payer }, 'valid'],
    ['with more than is specified', { isValid: true, payer, remainingSeconds: 42 }, 'valid'],
    // x402-rs/x402-rs issue 119
    [
      'with an empty payer where it refuses',
      { isValid: false, invalidReason: 'insufficient_funds', payer: '' },
      'invalid',
    ],
    ['with a reason of its own', { isValid: false, invalidReason: 'amount_too_low' }, 'invalid'],
  ])('%s is read', (_how, answer: JsonObject, is) => {
    expect(readVerifyAnswer(answer, EXPECTED).kind).toBe(is);
  });
});

describe('a list of kinds as facilitators send it', () => {
  it('is read with what belongs to other families, versions and extensions beside it', () => {
    const kinds = readSupportedAnswer({
      kinds: [
        { x402Version: 1, scheme: 'exact', network: 'base-sepolia', extra: null },
        { x402Version: 2, scheme: 'exact', network },
        {
          x402Version: 1,
          scheme: 'exact',
          network: 'solana-devnet',
          extra: { feePayer: 'EGBQqKn968sVv5cQh5Cr72pSTHfxsuzq7o7asqYB5uEV' },
        },
        { x402Version: '1', scheme: 'exact', network: 'base' },
        { scheme: 'exact' },
      ],
      extensions: ['bazaar'],
      signers: { 'eip155:*': ['0x0000000000000000000000000000000000000001'] },
    });
    expect(kinds.map((kind) => `${kind.x402Version} ${kind.network}`)).toEqual([
      '1 base-sepolia',
      `2 ${network}`,
      '1 solana-devnet',
    ]);
  });
});
