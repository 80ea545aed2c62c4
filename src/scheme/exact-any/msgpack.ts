import { type ByteReader, UnreadablePayment } from './byte-reader.ts';

/** The values of a transaction on Algorand. Text counts as its bytes: readers take one for the other. */
export type Packed = Buffer | bigint | boolean | readonly Packed[] | ReadonlyMap<string, Packed>;

const MOST_DEPTH = 16;

/** The meaning of the first byte: the type, and the bytes of the number or of its length. */
const SIZED: ReadonlyMap<number, readonly ['number' | 'bytes' | 'list' | 'map', 1 | 2 | 4]> = new Map([
  [0xc4, ['bytes', 1]],
  [0xc5, ['bytes', 2]],
  [0xc6, ['bytes', 4]],
  [0xcc, ['number', 1]],
  [0xcd, ['number', 2]],
  [0xce, ['number', 4]],
  [0xd9, ['bytes', 1]],
  [0xda, ['bytes', 2]],
  [0xdb, ['bytes', 4]],
  [0xdc, ['list', 2]],
  [0xdd, ['list', 4]],
  [0xde, ['map', 2]],
  [0xdf, ['map', 4]],
]);

/**
 * Reads a MessagePack value without signed numbers, fractions, `nil` and extensions, which no transaction has.
 *
 * @throws UnreadablePayment
 * @see https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export function readPacked(reader: ByteReader, depth = 0): Packed {
  if (depth > MOST_DEPTH) throw new UnreadablePayment('has values that are too deep');
  const head = reader.byte();
  const inner = (): Packed => readPacked(reader, depth + 1);
  if (head < 0x80) return BigInt(head);
  if (head < 0x90) return readMap(reader, head & 0x0f, inner);
  if (head < 0xa0) return reader.times(head & 0x0f, inner);
  if (head < 0xc0) return reader.bytes(head & 0x1f);
  if (head === 0xc2 || head === 0xc3) return head === 0xc3;
  if (head === 0xcf) return reader.bytes(8).readBigUInt64BE(0);
  return readSized(reader, head, inner);
}

function readSized(reader: ByteReader, head: number, inner: () => Packed): Packed {
  const sized = SIZED.get(head);
  if (sized === undefined) throw new UnreadablePayment('has a value of a kind that no transaction has');
  const [kind, length] = sized;
  const number = reader.bytes(length).readUIntBE(0, length);
  switch (kind) {
    case 'number':
      return BigInt(number);
    case 'bytes':
      return reader.bytes(number);
    case 'list':
      return reader.times(number, inner);
    case 'map':
      return readMap(reader, number, inner);
  }
}

function readMap(reader: ByteReader, size: number, inner: () => Packed): ReadonlyMap<string, Packed> {
  const entries = reader.times(size, () => {
    const name = inner();
    if (!(name instanceof Buffer)) throw new UnreadablePayment('has a name that is no text');
    return [name.toString('latin1'), inner()] as const;
  });
  const map = new Map(entries);
  // Of two, some readers take the first and some the last.
  if (map.size !== entries.length) throw new UnreadablePayment('has a name twice');
  return map;
}
