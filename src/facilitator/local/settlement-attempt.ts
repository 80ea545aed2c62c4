import { keccak256 } from 'viem';
import { isJsonObject } from '../../domain/payment.ts';
import type { SettlementAttempt } from '../../domain/payment-record.ts';
import type { Json } from '../../domain/x402.ts';
import { type Address, type Hex, parseAddress, parseHex } from '../../evm/address.ts';
import type { SignedTransaction } from './transaction-writer.ts';

/** A transaction that was written down before it was sent, with its account. */
export interface WrittenTransaction {
  readonly account: Address;
  readonly signed: SignedTransaction;
  /** Whether it moves the money of several payments: then it may be mined without moving this payment's money. */
  readonly shared: boolean;
}

/** A transaction that other payments may send: its account, number and hash, without its bytes. */
export interface AnnouncedTransaction {
  readonly account: Address;
  readonly nonce: number;
}

/** Writes down a transaction for the ledger. It holds no secret: anybody may see and send a signed transaction. */
export function encodeAttempt(network: string, { account, signed, shared }: WrittenTransaction): SettlementAttempt {
  const { nonce, raw } = signed;
  const data = { network, account, nonce, raw, ...(shared ? { shared } : {}) };
  return { transaction: signed.hash, data: JSON.stringify(data) };
}

/** Writes down a shared transaction before it is sealed, for the ledger. Without the bytes it cannot be sent. */
export function announceAttempt(
  network: string,
  { account, signed }: Omit<WrittenTransaction, 'shared'>,
): SettlementAttempt {
  return { transaction: signed.hash, data: JSON.stringify({ network, account, nonce: signed.nonce }) };
}

/**
 * Reads what {@link encodeAttempt} wrote; `undefined` for anything else. The bytes must be those of the hash: what is
 * sent again is never another transaction.
 */
export function decodeAttempt(
  network: string,
  attempt: SettlementAttempt,
): WrittenTransaction | AnnouncedTransaction | undefined {
  const data = readJson(attempt.data);
  if (!isJsonObject(data) || data['network'] !== network) return undefined;
  const account = parseAddress(data['account']);
  const nonce = data['nonce'];
  if (account === undefined || typeof nonce !== 'number' || !Number.isSafeInteger(nonce) || nonce < 0) return undefined;
  if (data['raw'] === undefined) return { account, nonce };
  const raw = parseHex(data['raw']);
  if (raw === undefined || keccak256(raw) !== attempt.transaction) return undefined;
  return { account, signed: { nonce, raw, hash: keccak256(raw) }, shared: data['shared'] === true };
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
