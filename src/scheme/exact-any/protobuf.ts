import { ByteReader, UnreadablePayment } from './byte-reader.ts';

/** One field of a message: a number, or bytes that can be a message themselves. */
export interface Field {
  readonly field: number;
  readonly value: Buffer | bigint;
}

const VARINT = 0;
const BYTES_OF: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
const DELIMITED = 2;

/**
 * The fields of a protobuf message, in their order.
 *
 * @throws UnreadablePayment
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export function readFields(message: Buffer): readonly Field[] {
  const reader = new ByteReader(message);
  const fields: Field[] = [];
  while (reader.left > 0) {
    const tag = readInteger(reader);
    fields.push({ field: Number(tag >> 3n), value: readField(reader, Number(tag & 7n)) });
  }
  return fields;
}

/**
 * The bytes of a field that is there once: of two, some readers take the last, and others put both together.
 *
 * @throws UnreadablePayment
 */
export function readOne(fields: readonly Field[], wanted: number): Buffer {
  const value = theOnly(fields, wanted);
  if (!(value instanceof Buffer)) throw new UnreadablePayment('lacks a part of its transaction');
  return value;
}

/**
 * The number of a field that is there once at most; zero is left out.
 *
 * @throws UnreadablePayment
 */
export function readOneNumber(fields: readonly Field[], wanted: number): bigint {
  const value = theOnly(fields, wanted) ?? 0n;
  if (typeof value !== 'bigint') throw new UnreadablePayment('has bytes where a number belongs');
  return value;
}

function theOnly(fields: readonly Field[], wanted: number): Buffer | bigint | undefined {
  const [found, second] = fields.filter(({ field }) => field === wanted);
  if (second !== undefined) throw new UnreadablePayment('has a part twice');
  return found?.value;
}

function readField(reader: ByteReader, wireType: number): Buffer | bigint {
  if (wireType === VARINT) return readInteger(reader);
  if (wireType === DELIMITED) {
    const length = readInteger(reader);
    // Longer than any payload: the read fails because the bytes end too early.
    return reader.bytes(length > 0x7fff_ffffn ? Number.POSITIVE_INFINITY : Number(length));
  }
  const length = BYTES_OF[wireType];
  if (length === undefined) throw new UnreadablePayment('is no protobuf');
  return reader.bytes(length);
}

/** A varint of 63 bits at most: beyond them readers differ. */
function readInteger(reader: ByteReader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 63n; shift += 7n) {
    const byte = reader.byte();
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw new UnreadablePayment('is no protobuf');
}
