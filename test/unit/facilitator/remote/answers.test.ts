import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../src/domain/gateway-error.ts';
import { isJsonObject } from '../../../../src/domain/payment.ts';
import type { Json, JsonObject } from '../../../../src/domain/x402.ts';
import { expectationOf } from '../../../../src/facilitator/remote/answer-fields.ts';
import { loggedReason } from '../../../../src/facilitator/remote/refusal-reasons.ts';
import { readSettleAnswer } from '../../../../src/facilitator/remote/settle-answer.ts';
import { readSupportedAnswer } from '../../../../src/facilitator/remote/supported-answer.ts';
import { readVerifyAnswer } from '../../../../src/facilitator/remote/verify-answer.ts';
import { readWireJson } from '../../../../src/facilitator/remote/wire-json.ts';
import { families } from '../../../../src/registry.ts';
import { SCRIPTED_PAYER, SCRIPTED_TRANSACTION, scriptedPayment } from '../../../support/scripted-facilitator.ts';

const PRICE = scriptedPayment(2).offer.amount;
const EXPECTED = expectationOf(scriptedPayment(2), PRICE, families);
const EXPECTED_V1 = expectationOf(scriptedPayment(1), PRICE, families);
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
    ['an empty payer', { isValid: true, payer: '' }],
    ['null for optional members', { isValid: true, payer: null, invalidReason: null, invalidMessage: null }],
  ])('accepts with %s', (_, answer: JsonObject) => {
    expect(readVerifyAnswer(answer, EXPECTED)).toEqual({ kind: 'valid', payer: SCRIPTED_PAYER });
  });

  it('refuses with the reason that it states', () => {
    const answer = { isValid: false, invalidReason: 'insufficient_funds', payer: '' };
    expect(readVerifyAnswer(answer, EXPECTED)).toEqual({ kind: 'invalid', reason: 'insufficient_funds' });
  });

  it.each([
    [
      'a missing approval of Permit2',
      'invalid_exact_evm_permit2_payload_allowance_required',
      'permit2_allowance_required',
    ],
    ['a permit that is over', 'invalid_exact_evm_permit2_payload_deadline', 'permit2_deadline_expired'],
    ['a watched payer', 'invalid_exact_evm_payload_authorization_from_address_kyt', 'kyt_risk_detected'],
    [
      'a failed simulation on Solana',
      'invalid_exact_svm_payload_transaction_simulation_failed',
      'invalid_exact_svm_transaction_simulation_failed',
    ],
    ['a time that is over', 'invalid_payment_expired', 'invalid_exact_evm_payload_authorization_valid_before'],
  ])("refuses by the reason's own name where the facilitator has another for it: %s", (_, invalidReason, reason) => {
    expect(readVerifyAnswer({ isValid: false, invalidReason }, EXPECTED)).toEqual({ kind: 'invalid', reason });
  });

  it.each([
    ['a line break', 'bad\r\nX-Evil: 1'],
    ['a long text', 'x'.repeat(5000)],
    ['another script', 'é'],
    ['the form of a reason, but unknown', 'some_reason_of_its_own'],
    ['a known one in capitals', 'INSUFFICIENT_FUNDS'],
    ['the URL of a node with its key', 'HTTP request failed. URL: https://node.example/v2/KEY'],
    ['nothing', null],
  ])('refuses with a reason that no buyer reads when it states %s', (_, invalidReason: Json) => {
    const refused = readVerifyAnswer({ isValid: false, invalidReason }, EXPECTED);
    expect(refused).toEqual({ kind: 'invalid', reason: 'unexpected_verify_error' });
  });

  it.each([
    ['isValid is missing', {}],
    ['isValid is a string', { isValid: 'true' }],
    ['isValid is a number', { isValid: 1 }],
    ['isValid is null', { isValid: null }],
    ['the payer is another', { isValid: true, payer: `0x${'66'.repeat(20)}` }],
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
    ['an empty payer', { ...SETTLED, payer: '' }],
    ['no payer and no amount', { success: true, transaction: SCRIPTED_TRANSACTION, network: 'eip155:84532' }],
  ])('says that the money moved with %s', (_, answer: JsonObject) => {
    expect(readSettleAnswer(answer, EXPECTED, 200)).toEqual(settled);
  });

  it('may spell the network either way, whatever version was asked', () => {
    const named = { ...SETTLED, network: 'base-sepolia' };
    for (const expected of [EXPECTED, EXPECTED_V1]) {
      expect(readSettleAnswer(named, expected, 200)).toEqual(settled);
      expect(readSettleAnswer(SETTLED, expected, 200)).toEqual(settled);
      expect(readSettleAnswer({ ...SETTLED, network: 'base' }, expected, 200).kind).toBe('unknown');
    }
  });

  it('keeps extensions that fit a header and drops larger ones', () => {
    const small = readSettleAnswer({ ...SETTLED, extensions: { note: { info: 1 } } }, EXPECTED, 200);
    expect(small).toEqual({ ...settled, settlement: { ...settled.settlement, extensions: { note: { info: 1 } } } });
    expect(readSettleAnswer({ ...SETTLED, extensions: { note: 'x'.repeat(3000) } }, EXPECTED, 200)).toEqual(settled);
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
    expect(readSettleAnswer(answer, EXPECTED, 200)).toEqual({
      kind: 'unknown',
      reason: 'facilitator_invalid_answer',
      transaction,
    });
  });

  it.each([
    ['missing', null],
    ['empty', ''],
    ['short', '0x1234'],
    ['of zeros', `0x${'0'.repeat(64)}`],
    ['long', `${SCRIPTED_TRANSACTION}00`],
    ['without 0x', 'ab'.repeat(32)],
    ['not hex', `0x${'zz'.repeat(32)}`],
    ['a list that prints as a hash', [SCRIPTED_TRANSACTION]],
  ])('leaves the outcome unknown when success comes with a transaction that is %s', (_, transaction) => {
    const outcome = readSettleAnswer({ ...SETTLED, transaction }, EXPECTED, 200);
    expect(outcome).toEqual({ kind: 'unknown', reason: 'facilitator_invalid_answer' });
  });

  it.each([
    'insufficient_funds',
    'invalid_exact_evm_insufficient_balance',
    'invalid_exact_evm_payload_authorization_valid_before',
    'invalid_exact_evm_signature',
    'permit2_allowance_required',
    'invalid_exact_svm_payload_transaction_receiver_ata_not_found',
    'self_send_not_allowed',
  ])('says that the money stayed for %s, which is looked at before anything is sent', (errorReason) => {
    for (const transaction of ['', null]) {
      const outcome = readSettleAnswer({ ...FAILED, errorReason, transaction }, EXPECTED, 402);
      expect(outcome).toEqual({ kind: 'failed', reason: errorReason });
    }
  });

  it.each([
    ['invalid_payment_expired', 'invalid_exact_evm_payload_authorization_valid_before'],
    ['invalid_exact_evm_permit2_payload_valid_after', 'permit2_not_yet_valid'],
  ])('says so under another name of such a reason: %s', (errorReason, reason) => {
    expect(readSettleAnswer({ ...FAILED, errorReason }, EXPECTED, 400)).toEqual({ kind: 'failed', reason });
  });

  it('leaves the outcome unknown for such a reason with a transaction, in whatever form, or a status of 500 and above', () => {
    const refused = { ...FAILED, errorReason: 'insufficient_funds' };
    for (const transaction of [SCRIPTED_TRANSACTION, '0x1234', 7]) {
      expect(readSettleAnswer({ ...refused, transaction }, EXPECTED, 200).kind).toBe('unknown');
    }
    for (const status of [500, 502, 503, 504]) {
      const outcome = readSettleAnswer(refused, EXPECTED, status);
      expect(outcome).toEqual({ kind: 'unknown', reason: 'insufficient_funds' });
    }
  });

  it.each([
    ['no reason', null],
    ['a reason of its own', 'insufficient gas for https://node.example/v2/KEY'],
    ['an unknown one', 'refused_by_the_moon'],
    ['a known one in capitals', 'INSUFFICIENT_FUNDS'],
  ])('leaves the outcome unknown, with a reason that may be read, for %s', (_, errorReason) => {
    const outcome = readSettleAnswer({ ...FAILED, errorReason }, EXPECTED, 200);
    expect(outcome).toEqual({ kind: 'unknown', reason: 'unexpected_settle_error' });
  });

  it.each([
    'settlement_pending',
    'settle_exact_evm_transaction_confirmation_timed_out',
    'settle_exact_svm_block_height_exceeded',
    'duplicate_settlement',
    'invalid_exact_evm_nonce_already_used',
    'invalid_exact_evm_transaction_failed',
    'invalid_exact_evm_transaction_simulation_failed',
    'invalid_exact_evm_transfer_event_mismatch',
    'permit2_invalid_nonce',
    'permit2_simulation_failed',
    'smart_wallet_deployment_failed',
    'unexpected_settle_error',
    'unknown_error',
  ])('leaves the outcome unknown for %s, with and without a transaction', (errorReason) => {
    for (const transaction of ['', SCRIPTED_TRANSACTION]) {
      const outcome = readSettleAnswer({ ...FAILED, errorReason, transaction }, EXPECTED, 200);
      expect(outcome).toEqual({ kind: 'unknown', reason: errorReason, ...(transaction === '' ? {} : { transaction }) });
    }
  });

  it('leaves the outcome unknown when only the message says that a broadcast transaction is pending', () => {
    const answer = {
      ...FAILED,
      transaction: SCRIPTED_TRANSACTION,
      errorReason: 'invalid_transaction_state',
      errorMessage: 'settlement_pending, but failed to persist for retry: disk full',
    };
    expect(readSettleAnswer(answer, EXPECTED, 200).kind).toBe('unknown');
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
  it('has its extensions with each kind, without what is no name of one', () => {
    const extensions = ['bazaar', 7, null, 'x'.repeat(65), ['a'], 'eip2612GasSponsoring'];
    const read = [{ ...kind, extensions: ['bazaar', 'eip2612GasSponsoring'] }];
    expect(readSupportedAnswer({ kinds: [kind], extensions })).toEqual(read);
    expect(readSupportedAnswer({ kinds: [kind], extensions: { bazaar: true } })).toEqual([kind]);
    const many = Array.from({ length: 10_000 }, (_, index) => `extension${index}`);
    expect(readSupportedAnswer({ kinds: [kind], extensions: many })[0]?.extensions).toHaveLength(64);
  });

  it.each([
    ['a kind that is no object', 'exact'],
    ['a version that is a string', { ...kind, x402Version: '1' }],
    ['a version that is no integer', { ...kind, x402Version: 1.5 }],
    ['a scheme that is missing', { ...kind, scheme: null }],
    ['no network', { x402Version: 2, scheme: 'exact' }],
    ['a network that is a number', { ...kind, network: 84532 }],
    ['an extra that is a list', { ...kind, network: 'eip155:8453', extra: [] }],
  ])('leaves out %s, and that one only', (_, odd: Json) => {
    expect(readSupportedAnswer({ kinds: [odd, kind] })).toEqual([kind]);
    expect(codeOf(() => readSupportedAnswer({ kinds: [odd] }))).toBe('facilitator_invalid_answer');
  });

  it.each([
    ['no object', []],
    ['without kinds', {}],
    ['kinds that are no list', { kinds: {} }],
  ])('is not believed with %s', (_, answer: Json) => {
    expect(codeOf(() => readSupportedAnswer(answer))).toBe('facilitator_invalid_answer');
  });
});

describe('what is logged of a refusal', () => {
  it('is nothing where the buyer reads it all, and the rest without paths, keys and control characters', () => {
    expect(loggedReason('insufficient_funds', undefined)).toBeUndefined();
    expect(loggedReason(undefined, undefined)).toBeUndefined();
    expect(loggedReason('fetch failed\r\nURL: https://user:pw@node.example/v2/KEY?a=1', undefined)).toBe(
      'fetch failed URL: https://node.example',
    );
    expect(loggedReason('settlement_pending', 'no receipt yet')).toBe('no receipt yet');
    expect(loggedReason('x'.repeat(5000), undefined)).toHaveLength(300);
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
  /** Decoded as from the network, so that every value that is tried can really come. */
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
          const outcome = readSettleAnswer(answer, EXPECTED, 200);
          if (outcome.kind !== 'settled') return;
          expect(answer).toMatchObject({ success: true });
          expect(['base-sepolia', 'eip155:84532']).toContain(answer['network']);
          expect(outcome.settlement.transaction).toMatch(/^0x[0-9a-f]{64}$/);
        },
      ),
      RUNS,
    );
  });

  it('to /settle that changes one member of a good one to something else is not settled by surprise', () => {
    fc.assert(
      fc.property(fc.constantFrom('success', 'transaction', 'network', 'payer', 'amount'), value, (name, changed) => {
        const outcome = readSettleAnswer({ ...SETTLED, [name]: changed as Json }, EXPECTED, 200);
        const harmless: Readonly<Record<string, unknown[]>> = {
          payer: [null, '', SCRIPTED_PAYER],
          amount: [null, '10000'],
          network: ['base-sepolia', SETTLED['network']],
        };
        const kept = harmless[name] ?? [SETTLED[name]];
        if (outcome.kind === 'settled') expect(kept).toContainEqual(changed);
        if (name !== 'success') expect(outcome.kind).not.toBe('failed');
      }),
      RUNS,
    );
  });
});
