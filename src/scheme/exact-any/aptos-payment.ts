import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import { ByteReader, UnreadablePayment } from './byte-reader.ts';

const ADDRESS_BYTES = 32;
const ENTRY_FUNCTION = 2;
/** `TypeTag`: those that hold nothing else. */
const PLAIN_TYPES = new Set([0, 1, 2, 3, 4, 5, 8, 9, 10]);
const VECTOR = 6;
const STRUCT = 7;
const MOST_DEPTH = 8;
const NAME = /^[A-Za-z_]\w*$/;

/**
 * What makes a payment on Aptos unique: the transaction as its sender signed it, without the account that pays the fee,
 * which the signature leaves open, and without the signatures.
 *
 * The payload is base64 of a JSON object with the bytes of both as lists of numbers, which has many spellings; the
 * transaction in it (BCS) has one.
 *
 * @throws UnreadablePayment
 * @see x402 specification, `schemes/exact/scheme_exact_aptos.md`
 */
export function aptosPayment(payload: Buffer): string {
  const reader = new ByteReader(transactionOf(payload.toString('utf8')));
  readTransaction(reader);
  const signed = reader.since(0).toString('hex');
  if (readBool(reader)) reader.bytes(ADDRESS_BYTES);
  if (reader.left !== 0) throw new UnreadablePayment('holds bytes after its transaction');
  return signed;
}

function transactionOf(text: string): Buffer {
  const held = parse(text);
  const transaction = isJsonObject(held) ? held['transaction'] : undefined;
  if (!Array.isArray(transaction) || !transaction.every(isByte)) {
    throw new UnreadablePayment('holds no {transaction, senderAuthenticator} of bytes');
  }
  // With a name twice, or a number in another spelling, its facilitator may read a different transaction.
  if (JSON.stringify(held) !== text.replaceAll(/\s/g, '')) throw new UnreadablePayment('holds JSON of two meanings');
  return Buffer.from(transaction);
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function isByte(value: Json): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xff;
}

/** `RawTransaction`. */
function readTransaction(reader: ByteReader): void {
  reader.bytes(ADDRESS_BYTES + 8);
  if (readLength(reader) !== ENTRY_FUNCTION) throw new UnreadablePayment('calls no entry function');
  reader.bytes(ADDRESS_BYTES);
  readName(reader);
  readName(reader);
  reader.times(readLength(reader), () => readType(reader, 0));
  reader.times(readLength(reader), () => reader.bytes(readLength(reader)));
  // The most gas, its price, the expiry, the chain.
  reader.bytes(8 + 8 + 8 + 1);
}

function readType(reader: ByteReader, depth: number): void {
  if (depth > MOST_DEPTH) throw new UnreadablePayment('has types that are too deep');
  const type = readLength(reader);
  if (PLAIN_TYPES.has(type)) return;
  if (type === VECTOR) {
    readType(reader, depth + 1);
    return;
  }
  if (type !== STRUCT) throw new UnreadablePayment('has a type of an unknown kind');
  reader.bytes(ADDRESS_BYTES);
  readName(reader);
  readName(reader);
  reader.times(readLength(reader), () => readType(reader, depth + 1));
}

function readName(reader: ByteReader): void {
  if (!NAME.test(reader.bytes(readLength(reader)).toString('latin1'))) throw new UnreadablePayment('has an odd name');
}

function readBool(reader: ByteReader): boolean {
  const byte = reader.byte();
  if (byte > 1) throw new UnreadablePayment('is no BCS');
  return byte === 1;
}

/** ULEB128, in as few bytes as there can be: a longer spelling would be another key of the same transaction. */
function readLength(reader: ByteReader): number {
  let value = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = reader.byte();
    value |= (byte & 0x7f) << shift;
    if (byte === 0 && shift > 0) break;
    if (byte < 0x80) return value;
  }
  throw new UnreadablePayment('is no BCS');
}
