import { parseAmount } from '../../domain/amount.ts';
import { statesMaximum } from '../../domain/offer.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { JsonObject } from '../../domain/x402.ts';
import {
  type Expectation,
  isPayer,
  isTransaction,
  optionalObject,
  optionalText,
  statedPayer,
} from './answer-fields.ts';
import type { Exchange } from './exchange.ts';
import { protocolAnswer } from './facilitator-calls.ts';
import { isBeforeSending, relayedReason } from './refusal-reasons.ts';
import { member } from './wire-json.ts';

/** Largest `extensions` that are kept, in JSON characters: they go to the buyer in a response header. */
const MAX_EXTENSIONS = 2048;

/**
 * Reads a `SettleResponse`. Never throws: an answer that cannot be believed is `unknown`, because money may have moved.
 *
 * - `settled` needs all of: `success: true`, a transaction hash, our network, and no other payer or amount than ours.
 * - `failed` needs all of: `success: false`, no transaction, a status below 500, and a reason that is a check made before
 *   anything is sent ({@link isBeforeSending}). Official facilitators answer `success: false` without a transaction also
 *   for what they broadcast and then lost sight of.
 *
 * The caller looks for what only the bytes show: a transaction in another place, and a member that is there twice.
 *
 * @param status of the HTTP answer
 */
export function readSettleAnswer(answer: JsonObject, expected: Expectation, status: number): SettlementOutcome {
  const success = member(answer, 'success');
  const transaction = transactionOf(answer, expected);
  const stated = optionalText(answer, 'errorReason');
  const message = optionalText(answer, 'errorMessage');
  if (typeof success !== 'boolean' || stated === false || message === false) return unbelieved(transaction);
  if (success) return readSuccess(answer, expected, transaction);

  const reason = relayedReason(stated, 'unexpected_settle_error');
  if (status < 500 && statesNoTransaction(answer) && isBeforeSending(reason)) return { kind: 'failed', reason };
  return { kind: 'unknown', reason, ...(transaction === undefined ? {} : { transaction }) };
}

/** The official test facilitators' refusal to settle a payment that they have not verified. */
const WANTS_VERIFICATION = 'Payment must be verified before settlement';

/** Whether a facilitator has sent nothing, because it has not verified the payment. */
export function wantsVerification(answer: Exchange): boolean {
  // The bytes are searched first, so that hardly any answer is parsed twice.
  if (answer.kind === 'broken' || answer.status >= 500 || !answer.body.includes(WANTS_VERIFICATION)) return false;
  const json = protocolAnswer(answer, 'success');
  if (json === undefined || member(json, 'success') !== false || !statesNoTransaction(json)) return false;
  return member(json, 'errorReason') === WANTS_VERIFICATION;
}

function readSuccess(answer: JsonObject, expected: Expectation, transaction: string | undefined): SettlementOutcome {
  const network = member(answer, 'network');
  const payer = statedPayer(answer);
  const amount = member(answer, 'amount');
  const extensions = optionalObject(answer, 'extensions');
  if (transaction === undefined || payer === false || extensions === false) return unbelieved(transaction);
  if (typeof network !== 'string' || !expected.networks.includes(network)) return unbelieved(transaction);
  if (payer !== undefined && !isPayer(payer, expected)) return unbelieved(transaction);
  // Where the offer states a maximum, only the answer tells how much was moved.
  const mustTell = statesMaximum(expected.offer);
  if ((amount !== undefined || mustTell) && parseAmount(amount) !== expected.amount) return unbelieved(transaction);
  const settlement = { transaction, payer: expected.payer, amount: expected.amount };
  const keep = extensions !== undefined && JSON.stringify(extensions).length <= MAX_EXTENSIONS;
  return { kind: 'settled', settlement: keep ? { ...settlement, extensions } : settlement };
}

function transactionOf(answer: JsonObject, expected: Expectation): string | undefined {
  const transaction = member(answer, 'transaction');
  return typeof transaction === 'string' && isTransaction(transaction, expected) ? transaction : undefined;
}

/** What an answer that cannot be believed means: money may have moved, perhaps by the transaction that it names. */
export function unbelieved(transaction: string | undefined): SettlementOutcome {
  const found = transaction === undefined ? {} : { transaction };
  return { kind: 'unknown', reason: 'facilitator_invalid_answer', ...found };
}

/** A transaction in an unknown form counts as a transaction, too. */
function statesNoTransaction(answer: JsonObject): boolean {
  const transaction = member(answer, 'transaction');
  return transaction === undefined || transaction === '';
}
