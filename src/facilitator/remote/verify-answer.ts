import { GatewayError } from '../../domain/gateway-error.ts';
import { UNNAMED_PAYER } from '../../domain/payment.ts';
import type { JsonObject } from '../../domain/x402.ts';
import type { Verification } from '../facilitator.ts';
import { type Expectation, isPayer, optionalText, statedPayer } from './answer-fields.ts';
import { relayedReason } from './refusal-reasons.ts';
import { member } from './wire-json.ts';

/**
 * Reads a `VerifyResponse`.
 *
 * A refusal needs no more than `isValid: false`. An acceptance must not name another payer than the one who signed.
 *
 * @throws GatewayError `facilitator_invalid_answer`: a member is not what the specification says, or not ours.
 */
export function readVerifyAnswer(answer: JsonObject, expected: Expectation): Verification {
  const isValid = member(answer, 'isValid');
  if (typeof isValid !== 'boolean') throw unbelievable('isValid is not a boolean');
  const reason = optionalText(answer, 'invalidReason');
  if (reason === false) throw unbelievable('invalidReason is not a string');
  if (optionalText(answer, 'invalidMessage') === false) throw unbelievable('invalidMessage is not a string');
  const payer = statedPayer(answer);
  if (payer === false) throw unbelievable('payer is not a string');
  if (!isValid) return { kind: 'invalid', reason: relayedReason(reason, 'unexpected_verify_error') };
  if (expected.payer === UNNAMED_PAYER) {
    if (payer === undefined || !expected.family.readAddress(payer).ok) throw unbelievable('payer is not named');
    return { kind: 'valid', payer };
  }
  if (payer !== undefined && !isPayer(payer, expected)) throw unbelievable('payer is not who signed the payment');
  return { kind: 'valid', payer: expected.payer };
}

/**
 * The fault of an answer that contradicts the specification or the request; the details are for the log, not for the
 * buyer.
 */
export function unbelievable(wrong: string): GatewayError {
  return new GatewayError('facilitator_invalid_answer', { cause: new Error(wrong) });
}
