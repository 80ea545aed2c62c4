import { ByteReader, UnreadablePayment } from './byte-reader.ts';
import { type Packed, readPacked } from './msgpack.ts';

/** The fields of an asset transfer. Some readers drop a field that is not among them, and others keep it. */
const FIELDS: ReadonlySet<string> = new Set(
  'aamt aclose arcv asnd fee fv gen gh grp lv lx note rekey snd type xaid'.split(' '),
);

const OF_ANY_LENGTH: ReadonlySet<string> = new Set(['gen', 'note', 'type']);

/**
 * The unique part of a payment on Algorand: the group that the paying transaction was signed for, which is the digest
 * of all its transactions; without a group, the fields of the transaction.
 *
 * Signatures, the facilitator's own transactions and the MessagePack spelling are not part of it: the chain knows only
 * the canonical spelling, which leaves out zero and empty values.
 *
 * @throws UnreadablePayment
 * @see https://developer.algorand.org/docs/get-details/transactions/transactions/
 */
export function algorandPayment(signed: Buffer): string {
  const reader = new ByteReader(signed);
  const held = readPacked(reader);
  if (reader.left !== 0) throw new UnreadablePayment('holds bytes after its transaction');
  const transaction = held instanceof Map ? (held.get('txn') as Packed | undefined) : undefined;
  if (!(transaction instanceof Map)) throw new UnreadablePayment('holds no signed transaction');
  const fields = [...(transaction as ReadonlyMap<string, Packed>)].filter(([name, value]) => !isLeftOut(name, value));
  if (fields.some(([name]) => !FIELDS.has(name))) throw new UnreadablePayment('has a field that no transfer has');
  const texts = new Map(fields.map(([name, value]) => [name, textOf(value)]));
  const group = texts.get('grp');
  if (group !== undefined) return group;
  return [...texts]
    .map(([name, text]) => `${name}=${text}`)
    .sort()
    .join(' ');
}

/** Whether the canonical form leaves a field out: a zero number, zero bytes of a fixed length, or empty text. */
function isLeftOut(name: string, value: Packed): boolean {
  if (!(value instanceof Buffer)) return value === 0n || value === false;
  return OF_ANY_LENGTH.has(name) ? value.length === 0 : value.every((byte) => byte === 0);
}

function textOf(value: Packed): string {
  if (value instanceof Buffer) return value.toString('hex');
  if (typeof value === 'bigint') return String(value);
  throw new UnreadablePayment('has a field that no transfer has');
}
