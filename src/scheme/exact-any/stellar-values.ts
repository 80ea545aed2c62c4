import { type ByteReader, UnreadablePayment } from './byte-reader.ts';
import { readList, readOpaque, readOptional, readUint } from './xdr.ts';

/** `SCValType`: how many bytes those of a fixed length have behind their type. */
const FIXED: Readonly<Record<number, number>> = {
  0: 4,
  1: 0,
  2: 8,
  3: 4,
  4: 4,
  5: 8,
  6: 8,
  7: 8,
  8: 8,
  9: 16,
  10: 16,
  11: 32,
  12: 32,
  20: 0,
  21: 8,
};
const BYTES = 13;
const STRING = 14;
const SYMBOL = 15;
const VECTOR = 16;
const MAP = 17;
const ADDRESS = 18;

/** `SCAddressType`: how many bytes follow. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 0: 36, 1: 32, 2: 40, 3: 36, 4: 32 };

/** Deeper than any signature; a list in a list in a list costs a call each. */
const MOST_DEPTH = 16;

/** `SCAddress`: an account, a contract and the like, in the one form that it has. */
export function readAddress(reader: ByteReader): Buffer {
  const start = reader.at;
  const length = ADDRESS_BYTES[readUint(reader)];
  if (length === undefined) throw new UnreadablePayment('has an address of an unknown kind');
  reader.bytes(length);
  return reader.since(start);
}

/** The address that an `SCVal` is; `undefined` when it is another value. Read over in any case. */
export function readValue(reader: ByteReader, depth = 0): Buffer | undefined {
  if (depth > MOST_DEPTH) throw new UnreadablePayment('has values that are too deep');
  const type = readUint(reader);
  const inner = (): unknown => readValue(reader, depth + 1);
  switch (type) {
    case BYTES:
    case STRING:
    case SYMBOL:
      readOpaque(reader);
      return undefined;
    case VECTOR:
      readOptional(reader, () => readList(reader, inner));
      return undefined;
    case MAP:
      readOptional(reader, () => readList(reader, () => [inner(), inner()]));
      return undefined;
    case ADDRESS:
      return readAddress(reader);
    default: {
      const length = FIXED[type];
      if (length === undefined) throw new UnreadablePayment('has a value of an unknown kind');
      reader.bytes(length);
      return undefined;
    }
  }
}
