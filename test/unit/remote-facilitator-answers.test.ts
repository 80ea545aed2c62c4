import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/domain/gateway-error.ts';
import { isJsonObject } from '../../src/domain/payment.ts';
import type { Json, JsonObject } from '../../src/domain/x402.ts';
import { expectationOf } from '../../src/facilitator/remote/answer-fields.ts';
import { readSettleAnswer } from '../../src/facilitator/remote/settle-answer.ts';
import { readSupportedAnswer } from '../../src/facilitator/remote/supported-answer.ts';
import { readVerifyAnswer } from '../../src/facilitator/remote/verify-answer.ts';
import { readWireJson } from '../../src/facilitator/remote/wire-json.ts';
import { SCRIPTED_PAYER, SCRIPTED_TRANSACTION, scriptedPayment } from '../support/scripted-facilitator.ts';

const PRICE = scriptedPayment(2).offer.amount;
const EXPECTED = expectationOf(scriptedPayment(2), PRICE, 2);
const EXPECTED_V1 = expectationOf(scriptedPayment(1), PRICE, 1);
const CHECKSUMMED = '0x857b06519E91e3A54538791bDbb0E22373e36b66';

const SETTLED: JsonObject = {
  success: true,
  transaction: SCRIPTED_TRANSACTION,
  network: 'eip155:84532',
  payer: CHECKSUMMED,
};
const FAILED: JsonObject = { success: false, transaction: '', network: 'eip155:84532' };

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'nothing thrown';
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error);
  }
}

describe('the answer to /verify', () => {
  it.each([
    ['the payer in another case', { isValid: true, payer: CHECKSUMMED }],
    ['no payer', { isValid: true }],
    ['null for optional members', { isValid: true, payer: null, invalidReason: null, invalidMessage: null }],
  ])('accepts with %s', (_, answer: JsonObject) => {
    expect(readVerifyAnswer(answer, EXPECTED)).toEqual({ kind: 'valid', payer: SCRIPTED_PAYER });
  });

  it('refuses with the reason that it states', () => {
    const answer = { isValid: false, invalidReason: 'insufficient_funds', payer: '' };
    expect(readVerifyAnswer(answer, EXPECTED)).toEqual({ kind: 'invalid', reason: 'insufficient_funds' });
  });

  it('refuses with a bounded, printable reason whatever it states', () => {
    const reason = (invalidReason: Json) => readVerifyAnswer({ isValid: false, invalidReason }, EXPECTED);
    expect(reason('bad\r\nX-Evil: 1')).toEqual({ kind: 'invalid', reason: 'badX-Evil: 1' });
    expect(reason('x'.repeat(5000))).toEqual({ kind: 'invalid', reason: 'x'.repeat(128) });
    expect(reason('é')).toEqual({ kind: 'invalid', reason: 'unexpected_verify_error' });
    expect(reason(null)).toEqual({ kind: 'invalid', reason: 'unexpected_verify_error' });
  });

  it.each([
    ['isValid is missing', {}],
    ['isValid is a string', { isValid: 'true' }],
    ['isValid is a number', { isValid: 1 }],
    ['isValid is null', { isValid: null }],
    ['the payer is another', { isValid: true, payer: `0x${'66'.repeat(20)}` }],
    ['the payer is empty', { isValid: true, payer: '' }],
    ['the payer is a number', { isValid: true, payer: 1 }],
    ['invalidReason is an object', { isValid: false, invalidReason: {} }],
    ['invalidMessage is a list', { isValid: true, invalidMessage: [] }],
  ])('is not believed when %s', (_, answer: JsonObject) => {
    expect(codeOf(() => readVerifyAnswer(answer, EXPECTED))).toBe('facilitator_invalid_answer');
  });
});

describe('the answer to /settle', () => {
  const settled = {
    kind: 'settled',
    settlement: { transaction: SCRIPTED_TRANSACTION, payer: SCRIPTED_PAYER, amount: 10000n },
  };

  it.each([
    ['all members', { ...SETTLED, amount: '10000', errorReason: null }],
    ['no payer and no amount', { success: true, transaction: SCRIPTED_TRANSACTION, network: 'eip155:84532' }],
  ])('says that the money moved with %s', (_, answer: JsonObject) => {
    expect(readSettleAnswer(answer, EXPECTED)).toEqual(settled);
  });

  it('may spell the network either way when it was asked in v1, and only CAIP-2 when asked in v2', () => {
    const named = { ...SETTLED, network: 'base-sepolia' };
    expect(readSettleAnswer(named, EXPECTED_V1)).toEqual(settled);
    expect(readSettleAnswer(SETTLED, EXPECTED_V1)).toEqual(settled);
    expect(readSettleAnswer(named, EXPECTED).kind).toBe('unknown');
  });

  it('keeps extensions that fit a header and drops larger ones', () => {
    const small = readSettleAnswer({ ...SETTLED, extensions: { note: { info: 1 } } }, EXPECTED);
    expect(small).toEqual({ ...settled, settlement: { ...settled.settlement, extensions: { note: { info: 1 } } } });
    expect(readSettleAnswer({ ...SETTLED, extensions: { note: 'x'.repeat(3000) } }, EXPECTED)).toEqual(settled);
  });

  it.each([
    ['success is a string', { ...SETTLED, success: 'true' }],
    ['success is null', { ...SETTLED, success: null }],
    ['the network is another', { ...SETTLED, network: 'eip155:1' }],
    ['the network is missing', { ...SETTLED, network: null }],
    ['the payer is another', { ...SETTLED, payer: `0x${'66'.repeat(20)}` }],
    ['the payer is a number', { ...SETTLED, payer: 1 }],
    ['the amount is another', { ...SETTLED, amount: '9999' }],
    ['the amount is not a plain decimal', { ...SETTLED, amount: '010000' }],
    ['the amount is a number', { ...SETTLED, amount: 10000 }],
    ['extensions are a list', { ...SETTLED, extensions: [] }],
    ['errorReason is a number', { ...FAILED, transaction: SCRIPTED_TRANSACTION, errorReason: 3 }],
  ])('leaves the outcome unknown, with the transaction, when %s', (_, answer: JsonObject) => {
    const transaction = SCRIPTED_TRANSACTION;
    expect(readSettleAnswer(answer, EXPECTED)).toEqual({
      kind: 'unknown',
      reason: 'facilitator_invalid_answer',
      transaction,
    });
  });

  it.each([
    ['missing', null],
    ['empty', ''],
    ['short', '0x1234'],
    ['long', `${SCRIPTED_TRANSACTION}00`],
    ['without 0x', 'ab'.repeat(32)],
    ['not hex', `0x${'zz'.repeat(32)}`],
    ['a list that prints as a hash', [SCRIPTED_TRANSACTION]],
  ])('leaves the outcome unknown when success comes with a transaction that is %s', (_, transaction) => {
    const outcome = readSettleAnswer({ ...SETTLED, transaction }, EXPECTED);
    expect(outcome).toEqual({ kind: 'unknown', reason: 'facilitator_invalid_answer' });
  });

  it.each([
    ['insufficient_funds', ''],
    ['invalid_exact_evm_transaction_failed', SCRIPTED_TRANSACTION],
    ['unexpected_settle_error', ''],
  ])('says that the money stayed for the reason %s with the transaction %j', (errorReason, transaction) => {
    const outcome = readSettleAnswer({ ...FAILED, errorReason, transaction }, EXPECTED);
    expect(outcome).toEqual({ kind: 'failed', reason: errorReason, ...(transaction === '' ? {} : { transaction }) });
  });

  it('says that the money stayed when no reason is stated', () => {
    expect(readSettleAnswer(FAILED, EXPECTED)).toEqual({ kind: 'failed', reason: 'unexpected_settle_error' });
  });

  it.each([
    ['settlement_pending', SCRIPTED_TRANSACTION],
    ['settlement_pending', ''],
    ['settle_exact_evm_transaction_confirmation_timed_out', SCRIPTED_TRANSACTION],
    ['settle_exact_evm_transaction_confirmation_timed_out', ''],
    ['duplicate_settlement', ''],
    ['invalid_exact_evm_nonce_already_used', ''],
    ['FiatTokenV2: authorization is used or canceled', ''],
    ['permit2_invalid_nonce', ''],
    ['unexpected_settle_error', SCRIPTED_TRANSACTION],
    ['unknown_error', SCRIPTED_TRANSACTION],
  ])('leaves the outcome unknown for the reason %s with the transaction %j', (errorReason, transaction) => {
    const outcome = readSettleAnswer({ ...FAILED, errorReason, transaction }, EXPECTED);
    expect(outcome).toEqual({ kind: 'unknown', reason: errorReason, ...(transaction === '' ? {} : { transaction }) });
  });

  it('leaves the outcome unknown when only the message says that a broadcast transaction is pending', () => {
    const answer = {
      ...FAILED,
      transaction: SCRIPTED_TRANSACTION,
      errorReason: 'invalid_transaction_state',
      errorMessage: 'settlement_pending, but failed to persist for retry: disk full',
    };
    expect(readSettleAnswer(answer, EXPECTED).kind).toBe('unknown');
  });
});

describe('the answer to /supported', () => {
  it('is its kinds, with those that we do not know', () => {
    const kinds = [
      { x402Version: 2, scheme: 'exact', network: 'eip155:84532' },
      { x402Version: 3, scheme: 'later', network: 'moon:1', extra: { a: 1 } },
    ];
    expect(readSupportedAnswer({ kinds, extensions: [], signers: {} })).toEqual(kinds);
    expect(readSupportedAnswer({ kinds: [{ ...kinds[0], extra: null }] })).toEqual([kinds[0]]);
  });

  const kind = { x402Version: 2, scheme: 'exact', network: 'eip155:84532' };
  it.each([
    ['no object', []],
    ['without kinds', {}],
    ['kinds that are no list', { kinds: {} }],
    ['a kind that is no object', { kinds: ['exact'] }],
    ['a version that is a string', { kinds: [{ ...kind, x402Version: '2' }] }],
    ['a version that is no integer', { kinds: [{ ...kind, x402Version: 1.5 }] }],
    ['a scheme that is missing', { kinds: [{ ...kind, scheme: null }] }],
    ['a network that is a number', { kinds: [{ ...kind, network: 84532 }] }],
    ['an extra that is a list', { kinds: [{ ...kind, extra: [] }] }],
  ])('is not believed with %s', (_, answer: Json) => {
    expect(codeOf(() => readSupportedAnswer(answer))).toBe('facilitator_invalid_answer');
  });
});

describe('any answer at all', () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(
      true,
      false,
      null,
      '',
      SCRIPTED_TRANSACTION,
      SCRIPTED_PAYER,
      '10000',
      'eip155:84532',
      'settlement_pending',
    ),
  );
  const names = ['isValid', 'invalidReason', 'invalidMessage', 'payer', 'success', 'transaction', 'network', 'amount'];
  const keys = fc.constantFrom(
    ...names,
    'errorReason',
    'errorMessage',
    'extensions',
    'kinds',
    '__proto__',
    'constructor',
  );
  const text = fc.oneof(
    fc.json(),
    fc.string(),
    fc.dictionary(keys, value).map((answer) => JSON.stringify(answer)),
  );
  const RUNS = { numRuns: 500 };
  /** Through the same door as from the network, so that what is tried is what can come. */
  const json = text.map((body) => readWireJson(Buffer.from(body)));

  it('to /verify or /supported is read, or is facilitator_invalid_answer', () => {
    fc.assert(
      fc.property(json, (answer) => {
        const codes = [codeOf(() => readSupportedAnswer(answer))];
        if (isJsonObject(answer)) codes.push(codeOf(() => readVerifyAnswer(answer, EXPECTED)));
        for (const code of codes) expect(['nothing thrown', 'facilitator_invalid_answer']).toContain(code);
      }),
      RUNS,
    );
  });

  it('to /settle is read without throwing, and means settled only with success, a transaction and our network', () => {
    fc.assert(
      fc.property(
        json.filter((answer) => isJsonObject(answer)),
        (answer) => {
          const outcome = readSettleAnswer(answer, EXPECTED);
          if (outcome.kind !== 'settled') return;
          expect(answer).toMatchObject({ success: true, network: 'eip155:84532' });
          expect(outcome.settlement.transaction).toMatch(/^0x[0-9a-f]{64}$/);
        },
      ),
      RUNS,
    );
  });

  it('to /settle that changes one member of a good one to something else is not settled by surprise', () => {
    fc.assert(
      fc.property(fc.constantFrom('success', 'transaction', 'network', 'payer', 'amount'), value, (name, changed) => {
        const outcome = readSettleAnswer({ ...SETTLED, [name]: changed as Json }, EXPECTED);
        const harmless = name === 'payer' || name === 'amount' ? [null, SCRIPTED_PAYER, '10000'] : [SETTLED[name]];
        if (outcome.kind === 'settled') expect(harmless).toContainEqual(changed);
        if (name !== 'success') expect(outcome.kind).not.toBe('failed');
      }),
      RUNS,
    );
  });
});
