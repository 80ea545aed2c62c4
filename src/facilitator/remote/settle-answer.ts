import { parseAmount } from '../../domain/amount.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { type Expectation, isPayer, isTransaction, optionalObject, optionalText, reasonText } from './answer-fields.ts';
import { member } from './wire-json.ts';

/**
 * Reasons that do not say the money stayed where it was: a transaction under way, or an authorization that is used
 * already, which may well have been this payment's own transfer, sent by another hand.
 */
const UNDECIDED =
  /pending|tim(e|ed)[ _-]?out|confirmation|duplicate|already[ _-]?(used|settled|processed)|used or canceled|permit2_invalid_nonce/i;
/** Reasons that say nothing; next to a transaction hash something was broadcast before it went wrong. */
const VAGUE = /unexpected|unknown|internal/i;

/** Largest `extensions` that are kept, in JSON characters: they go to the buyer in a response header. */
const MAX_EXTENSIONS = 2048;

/**
 * Reads a `SettleResponse`. Never throws: what cannot be believed is `unknown`, because money may have moved.
 *
 * `settled` needs all of: `success: true`, a transaction hash, our network, and no other payer or amount than was asked
 * for.
 */
export function readSettleAnswer(answer: JsonObject, expected: Expectation): SettlementOutcome {
  const success = member(answer, 'success');
  const transaction = transactionOf(answer, expected);
  const reason = optionalText(answer, 'errorReason');
  const message = optionalText(answer, 'errorMessage');
  if (typeof success !== 'boolean' || reason === false || message === false) return unbelieved(transaction);
  if (success) return readSuccess(answer, expected, transaction);

  const stated = reasonText(reason, 'unexpected_settle_error');
  const found = transaction === undefined ? {} : { transaction };
  // The official facilitator hides a pending transaction under another reason when it cannot remember it, and says so
  // in the message only.
  const told = transaction === undefined ? stated : `${stated} ${message ?? ''}`;
  const undecided = UNDECIDED.test(told) || (transaction !== undefined && VAGUE.test(stated));
  return { kind: undecided ? 'unknown' : 'failed', reason: stated, ...found };
}

function readSuccess(answer: JsonObject, expected: Expectation, transaction: string | undefined): SettlementOutcome {
  const network = member(answer, 'network');
  const payer = optionalText(answer, 'payer');
  const amount = member(answer, 'amount');
  const extensions = optionalObject(answer, 'extensions');
  if (transaction === undefined || payer === false || extensions === false) return unbelieved(transaction);
  if (typeof network !== 'string' || !expected.networks.includes(network)) return unbelieved(transaction);
  if (payer !== undefined && !isPayer(payer, expected)) return unbelieved(transaction);
  if (amount !== undefined && parseAmount(amount) !== expected.amount) return unbelieved(transaction);
  const settlement = { transaction, payer: expected.payer, amount: expected.amount };
  const keep = extensions !== undefined && JSON.stringify(extensions).length <= MAX_EXTENSIONS;
  return { kind: 'settled', settlement: keep ? { ...settlement, extensions } : settlement };
}

function transactionOf(answer: JsonObject, expected: Expectation): string | undefined {
  const transaction = member(answer, 'transaction');
  return typeof transaction === 'string' && isTransaction(transaction, expected) ? transaction : undefined;
}

function unbelieved(transaction: string | undefined): SettlementOutcome {
  const found = transaction === undefined ? {} : { transaction };
  return { kind: 'unknown', reason: 'facilitator_invalid_answer', ...found };
}
