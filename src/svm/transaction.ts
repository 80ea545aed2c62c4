import { toBase58 } from './base58.ts';
import { KEY_BYTES, SIGNATURE_BYTES } from './public-key.ts';

/** One call of a program, with addresses in the place of indexes. */
export interface Instruction {
  readonly program: string;
  readonly accounts: readonly string[];
  readonly data: Buffer;
}

/** A transaction, signed in part or in full. */
export interface Transaction {
  /** One for each signer, in the order of {@link Transaction.signers}; 64 zero bytes where one has not signed yet. */
  readonly signatures: readonly Buffer[];
  /** Addresses that have to sign. The first pays the fees. */
  readonly signers: readonly string[];
  /** Public keys of the signers. */
  readonly signerKeys: readonly Buffer[];
  /** The signed bytes: they identify the payment, whatever signatures come with them. */
  readonly message: Buffer;
  readonly recentBlockhash: string;
  /** All accounts, by the index that the network's nodes name them with. */
  readonly accounts: readonly string[];
  readonly instructions: readonly Instruction[];
}

/** The largest transaction that fits into a packet of the network. */
export const MOST_BYTES = 1232;

/**
 * Decodes a transaction from its wire form: a legacy message or version 0 without address tables, whose content only a
 * node could tell. `undefined` for everything else, and where a byte is left over.
 *
 * @see https://solana.com/docs/core/transactions
 */
export function decodeTransaction(bytes: Buffer): Transaction | undefined {
  if (bytes.length > MOST_BYTES) return undefined;
  try {
    return readTransaction(new Reader(bytes));
  } catch (fault) {
    if (fault instanceof Malformed) return undefined;
    throw fault;
  }
}

class Malformed extends Error {}

function readTransaction(reader: Reader): Transaction {
  const signatures = reader.list(() => reader.bytes(SIGNATURE_BYTES));
  const message = reader.rest();
  const versioned = (reader.peek() & 0x80) !== 0;
  if (versioned && reader.byte() !== 0x80) throw new Malformed('another version');
  const required = reader.byte();
  const [readonlySigned, readonlyUnsigned] = [reader.byte(), reader.byte()];
  const keys = reader.list(() => reader.bytes(KEY_BYTES));
  if (required === 0 || readonlySigned >= required || readonlyUnsigned > keys.length - required) {
    throw new Malformed('a header that its accounts do not fit');
  }
  if (signatures.length !== required || keys.length < required) throw new Malformed('signatures');
  const addresses = keys.map(toBase58);
  if (new Set(addresses).size !== addresses.length) throw new Malformed('an account twice');
  const recentBlockhash = toBase58(reader.bytes(KEY_BYTES));
  const addressAt = (index: number): string => {
    const address = addresses[index];
    if (address === undefined) throw new Malformed('an index without account');
    return address;
  };
  const instructions = reader.list(() => ({
    program: addressAt(reader.byte()),
    accounts: reader.list(() => addressAt(reader.byte())),
    data: reader.bytes(reader.length()),
  }));
  if (versioned && reader.length() !== 0) throw new Malformed('address tables');
  if (reader.left !== 0) throw new Malformed('bytes after the end');
  return {
    signatures,
    signers: addresses.slice(0, required),
    signerKeys: keys.slice(0, required),
    message,
    recentBlockhash,
    accounts: addresses,
    instructions,
  };
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new Malformed('too short');
    return byte;
  }

  byte(): number {
    const byte = this.peek();
    this.#at += 1;
    return byte;
  }

  bytes(count: number): Buffer {
    if (count > this.left) throw new Malformed('too short');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** A "compact-u16": seven bits a byte, the lowest first, in as few bytes as there can be. */
  length(): number {
    let value = 0;
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte === 0 && shift > 0) throw new Malformed('a length with a zero in front');
      if ((byte & 0x80) === 0) return value <= 0xffff ? value : this.#tooLong();
    }
    return this.#tooLong();
  }

  list<T>(item: () => T): readonly T[] {
    const count = this.length();
    // Every item has at least a byte.
    if (count > this.left) throw new Malformed('too short');
    return Array.from({ length: count }, item);
  }

  #tooLong(): never {
    throw new Malformed('a length above 65535');
  }
}
