import { keccak256 } from 'viem';
import { isJsonObject } from '../../domain/payment.ts';
import type { SettlementAttempt } from '../../domain/payment-record.ts';
import type { Json } from '../../domain/x402.ts';
import { type Address, type Hex, parseAddress, parseHex } from '../../evm/address.ts';
import type { SignedTransaction } from './transaction-writer.ts';

/** A transaction that was written down before it was sent, and whose it is. */
export interface WrittenTransaction {
  readonly account: Address;
  readonly signed: SignedTransaction;
}

/** Writes down a transaction for the ledger. It holds no secret: anybody may see and send a signed transaction. */
export function encodeAttempt(network: string, { account, signed }: WrittenTransaction): SettlementAttempt {
  const { nonce, raw } = signed;
  return { transaction: signed.hash, data: JSON.stringify({ network, account, nonce, raw }) };
}

/**
 * Reads what {@link encodeAttempt} wrote; `undefined` for anything else. The bytes must be those of the hash: what is
 * sent again is never another transaction.
 */
export function decodeAttempt(network: string, attempt: SettlementAttempt): WrittenTransaction | undefined {
  const data = readJson(attempt.data);
  if (!isJsonObject(data) || data['network'] !== network) return undefined;
  const account = parseAddress(data['account']);
  const raw = parseHex(data['raw']);
  const nonce = data['nonce'];
  if (account === undefined || raw === undefined || typeof nonce !== 'number') return undefined;
  if (!Number.isSafeInteger(nonce) || nonce < 0 || keccak256(raw) !== attempt.transaction) return undefined;
  return { account, signed: { nonce, raw, hash: keccak256(raw) } };
}

/** The hash that an attempt states, where it is one. */
export function attemptHash(attempt: SettlementAttempt): Hex | undefined {
  return parseHex(attempt.transaction, 32);
}

function readJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
