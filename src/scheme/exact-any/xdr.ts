import { type ByteReader, UnreadablePayment } from './byte-reader.ts';

/*
 * XDR (RFC 4506), as far as payments on Stellar need it: everything is a multiple of four bytes, the highest first.
 */

/** An unsigned 32-bit number; also what names the arm of a union. */
export function readUint(reader: ByteReader): number {
  return reader.bytes(4).readUInt32BE(0);
}

/** Bytes after their length. The padding to a multiple of four must be zero: the bytes have one accepted form. */
export function readOpaque(reader: ByteReader): Buffer {
  const length = readUint(reader);
  const bytes = reader.bytes(length);
  if (reader.bytes(-length & 3).some((byte) => byte !== 0)) throw new UnreadablePayment('fills XDR up with no zeros');
  return bytes;
}

/** A value that may be missing. */
export function readOptional(reader: ByteReader, read: () => void): void {
  const present = readUint(reader);
  if (present > 1) throw new UnreadablePayment('is no XDR');
  if (present === 1) read();
}

/** Values with their number in front. */
export function readList<T>(reader: ByteReader, item: () => T): readonly T[] {
  return reader.times(readUint(reader), item);
}
