import { UnreadablePayment } from './byte-reader.ts';
import { readFields, readOne, readOneNumber } from './protobuf.ts';

/** One for each node that it can be sent to. */
const MOST_TRANSACTIONS = 64;
const NANOS_OF_A_SECOND = 1_000_000_000n;

/**
 * What makes a payment on Hedera unique: its transaction id, the account that pays the fee and a start of validity, which
 * the network takes once. The list in a payload holds the same transaction for several nodes.
 *
 * Signatures, the order and the number of nodes, and the spelling of the protobuf do not count.
 *
 * @throws UnreadablePayment
 * @see https://github.com/hiero-ledger/hiero-consensus-node `transaction_list.proto`, `transaction.proto`,
 *   `basic_types.proto`
 */
export function hederaPayment(list: Buffer): string {
  const transactions = readFields(list);
  if (transactions.length === 0 || transactions.length > MOST_TRANSACTIONS) {
    throw new UnreadablePayment('is no list of transactions');
  }
  const [id, ...others] = new Set(transactions.map(({ field, value }) => idOf(field, value)));
  if (id === undefined || others.length > 0) throw new UnreadablePayment('holds transactions of several ids');
  return id;
}

function idOf(field: number, transaction: Buffer | bigint): string {
  if (field !== 1 || typeof transaction === 'bigint') throw new UnreadablePayment('is no list of transactions');
  const fields = readFields(transaction);
  // A transaction can hold older forms beside this one, and a reader may take either of the two.
  if (fields.length !== 1) throw new UnreadablePayment('holds a transaction in an older form');
  const body = readFields(readOne(readFields(readOne(fields, 5)), 1));
  const id = readFields(readOne(body, 1));
  // Some clients write these fields although they have their default values.
  if (id.some(({ field: part }) => part > 4) || readOneNumber(id, 3) !== 0n || readOneNumber(id, 4) !== 0n) {
    throw new UnreadablePayment('has a transaction id that only the network makes');
  }
  const [start, account] = [readFields(readOne(id, 1)), readFields(readOne(id, 2))];
  if (account.some(({ field: part }) => part > 3)) throw new UnreadablePayment('names its fee payer by an alias');
  const nanos = readOneNumber(start, 2);
  if (nanos >= NANOS_OF_A_SECOND) throw new UnreadablePayment('has a start of validity that is no time');
  const [shard, realm, number] = [1, 2, 3].map((part) => readOneNumber(account, part));
  return `${shard}.${realm}.${number}@${readOneNumber(start, 1)}.${nanos}`;
}
