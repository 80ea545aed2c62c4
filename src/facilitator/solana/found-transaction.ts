import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import { toBase58 } from '../../svm/base58.ts';
import { decodeTransaction, type Transaction } from '../../svm/transaction.ts';

/** Tokens of one account before or after a transaction. */
export interface TokenBalance {
  /** Its place among the transaction's accounts. */
  readonly account: number;
  readonly mint: string;
  readonly amount: bigint;
}

/** A transaction that a node shows. */
export interface FoundTransaction {
  readonly signature: string;
  /** `undefined` for a transaction with parts that only a node can resolve: no payment of ours has them. */
  readonly transaction: Transaction | undefined;
  /** Whether it succeeded: a failed transaction moved nothing but its fees. */
  readonly succeeded: boolean;
  /** Unix seconds; `undefined` where the node does not know. */
  readonly minedAt: number | undefined;
  readonly before: readonly TokenBalance[];
  readonly after: readonly TokenBalance[];
}

const AMOUNT = /^(?:0|[1-9][0-9]{0,19})$/;

/** Reads a node's answer to `getTransaction`; `undefined` for an invalid answer. */
export function readFoundTransaction(answer: Json, signature: string): FoundTransaction | undefined {
  if (!isJsonObject(answer) || !isJsonObject(answer['meta'])) return undefined;
  const { transaction: wire, blockTime, meta } = answer;
  const [text]: readonly Json[] = Array.isArray(wire) ? wire : [];
  if (typeof text !== 'string' || meta['err'] === undefined) return undefined;
  const transaction = decodeTransaction(Buffer.from(text, 'base64'));
  const [first] = transaction?.signatures ?? [];
  if (first !== undefined && toBase58(first) !== signature) return undefined;
  const before = readBalances(meta['preTokenBalances']);
  const after = readBalances(meta['postTokenBalances']);
  if (before === undefined || after === undefined) return undefined;
  const minedAt = typeof blockTime === 'number' ? blockTime : undefined;
  return { signature, transaction, succeeded: meta['err'] === null, minedAt, before, after };
}

/** Absent lists stand for empty ones: nodes leave them out for transactions without tokens. */
function readBalances(list: Json | undefined): readonly TokenBalance[] | undefined {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) return undefined;
  const balances = list.map((entry: Json) => readBalance(entry));
  return balances.every((one) => one !== undefined) ? balances : undefined;
}

function readBalance(entry: Json): TokenBalance | undefined {
  if (!isJsonObject(entry) || !isJsonObject(entry['uiTokenAmount'])) return undefined;
  const { accountIndex, mint } = entry;
  const { amount } = entry['uiTokenAmount'];
  if (typeof accountIndex !== 'number' || typeof mint !== 'string') return undefined;
  return typeof amount === 'string' && AMOUNT.test(amount)
    ? { account: accountIndex, mint, amount: BigInt(amount) }
    : undefined;
}
