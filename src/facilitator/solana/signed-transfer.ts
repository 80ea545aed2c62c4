import type { Amount } from '../../domain/amount.ts';
import { isJsonObject, type Payment } from '../../domain/payment.ts';
import { withoutGuards } from '../../svm/guards.ts';
import { plainMemo } from '../../svm/memo.ts';
import { hasSigned } from '../../svm/public-key.ts';
import { associatedTokenAccount } from '../../svm/token-account.ts';
import { readTransfer } from '../../svm/token-transfer.ts';
import { decodeTransaction } from '../../svm/transaction.ts';
import type { FoundTransaction, TokenBalance } from './found-transaction.ts';

/** The facts by which a payment's transaction is found and judged. */
export interface SignedTransfer {
  /** What the buyer signed: the payment itself. */
  readonly message: Buffer;
  readonly blockhash: string;
  /** The buyer's token account. */
  readonly source: string;
  /** The payee's associated token account. */
  readonly destination: string;
  readonly mint: string;
  readonly payer: string;
  readonly amount: Amount;
  /** Distinguishes it from other transactions of the same buyer, where its client added one. */
  readonly memo: string | undefined;
}

/**
 * Reads the transfer that a payment signed; `undefined` for a payment that another version took, or an amount that this
 * transaction does not move. An authenticated payment has the transfer in its third instruction, guards aside.
 */
export function readSignedTransfer(
  { submission, offer, authorization }: Payment,
  amount: Amount,
): SignedTransfer | undefined {
  const { payload } = submission.payload;
  const text = isJsonObject(payload) ? payload['transaction'] : undefined;
  const transaction = typeof text === 'string' ? decodeTransaction(Buffer.from(text, 'base64')) : undefined;
  if (transaction === undefined) return undefined;
  const moved = readTransfer(withoutGuards(transaction.instructions)[2], transaction.signers);
  if (moved === undefined || moved.amount !== amount || moved.mint !== offer.asset.address) return undefined;
  if (moved.destination !== associatedTokenAccount(offer.payTo, moved.mint, moved.program)) return undefined;
  const { message, recentBlockhash: blockhash, instructions } = transaction;
  const { source, destination, mint } = moved;
  const { payer } = authorization;
  return { message, blockhash, source, destination, mint, payer, amount, memo: plainMemo(instructions) };
}

/** How a transaction on the chain relates to a payment. */
export type Likeness =
  /** Another transaction. */
  | 'other'
  /** This very one, and exactly the price reached the payee. */
  | 'paid'
  /** This very one, which failed: it moved nothing, and can never be put into a block again. */
  | 'failed'
  /** This very one, but the payee did not get exactly the price: tokens with fees do so. */
  | 'odd';

/**
 * Compares a transaction that a node shows with a payment. The fee payer's signature is checked here and not left to
 * the node: it proves that the facilitator signed these very bytes.
 */
export function compare(
  transfer: SignedTransfer,
  { transaction, succeeded, before, after }: FoundTransaction,
): Likeness {
  const [key, signature] = [transaction?.signerKeys[0], transaction?.signatures[0]];
  if (transaction === undefined || key === undefined || signature === undefined) return 'other';
  if (!transaction.message.equals(transfer.message)) return 'other';
  if (!hasSigned(key, transfer.message, signature)) return 'other';
  if (!succeeded) return 'failed';
  const account = transaction.accounts.indexOf(transfer.destination);
  const [held, holds] = [heldBy(before, account, transfer.mint), heldBy(after, account, transfer.mint)];
  if (held === undefined || holds === undefined) return 'odd';
  return holds - held === transfer.amount ? 'paid' : 'odd';
}

function heldBy(balances: readonly TokenBalance[], account: number, mint: string): bigint | undefined {
  return balances.find((one) => one.account === account && one.mint === mint)?.amount;
}
