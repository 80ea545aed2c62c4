import { ByteReader, UnreadablePayment } from './byte-reader.ts';
import { readAddress, readValue } from './stellar-values.ts';
import { readList, readOpaque, readOptional, readUint } from './xdr.ts';

const ENVELOPE_V1 = 2;
const INVOKE_HOST_FUNCTION = 24;
const INVOKE_CONTRACT = 0;
const BY_ADDRESS = 1;
const MUXED = 0x100;

/** A call of a contract. */
interface Call {
  readonly function: string;
  /** Of each argument that is an address, the address. */
  readonly args: readonly (Buffer | undefined)[];
  /** All of the call. */
  readonly bytes: Buffer;
}

/** `SorobanAuthorizationEntry`: what an account allows once. */
interface Authorization {
  readonly address: Buffer;
  readonly nonce: Buffer;
  readonly call: Buffer;
}

/**
 * What makes a payment on Stellar unique: the payer and the nonce of its authorization entry, which the chain takes once.
 *
 * The facilitator builds its own transaction around that entry, so the source, the fee, the memo and the time bounds of
 * the payload do not count, and neither does the form of a signature. Nothing is checked here: a transaction is read
 * only as far as the entry.
 *
 * @throws UnreadablePayment
 * @see https://github.com/stellar/stellar-xdr `Stellar-transaction.x`
 */
export function stellarPayment(transaction: Buffer): string {
  const reader = new ByteReader(transaction);
  const { call, authorizations } = readOperation(reader);
  const [payer, ...others] = call.args;
  if (call.function !== 'transfer' || payer === undefined || others.length !== 2) {
    throw new UnreadablePayment('calls no transfer of a token');
  }
  const [paying, second] = authorizations.filter(({ address }) => address.equals(payer));
  if (paying === undefined) throw new UnreadablePayment('has no authorization of its payer');
  // With two, the chain would take one of them, and their order would choose.
  if (second !== undefined) throw new UnreadablePayment('has two authorizations of its payer');
  if (!paying.call.equals(call.bytes)) throw new UnreadablePayment('calls something else than its payer authorized');
  return `${paying.address.toString('hex')} ${paying.nonce.toString('hex')}`;
}

function readOperation(reader: ByteReader): { call: Call; authorizations: readonly Authorization[] } {
  if (readUint(reader) !== ENVELOPE_V1) throw new UnreadablePayment('is no envelope of a transaction, version 1');
  readAccount(reader);
  reader.bytes(4 + 8);
  readPreconditions(reader);
  readMemo(reader);
  if (readUint(reader) !== 1) throw new UnreadablePayment('has not one operation');
  readOptional(reader, () => readAccount(reader));
  if (readUint(reader) !== INVOKE_HOST_FUNCTION || readUint(reader) !== INVOKE_CONTRACT) {
    throw new UnreadablePayment('calls no contract');
  }
  return { call: readCall(reader), authorizations: readAuthorizations(reader) };
}

/** Those by an address; the others are of the transaction's source, which is the facilitator. */
function readAuthorizations(reader: ByteReader): readonly Authorization[] {
  return readList(reader, () => {
    if (readUint(reader) !== BY_ADDRESS) throw new UnreadablePayment('has an authorization by no address');
    const address = readAddress(reader);
    const nonce = reader.bytes(8);
    reader.bytes(4);
    readValue(reader);
    if (readUint(reader) !== INVOKE_CONTRACT) throw new UnreadablePayment('authorizes no call');
    const { bytes } = readCall(reader);
    if (readUint(reader) !== 0) throw new UnreadablePayment('authorizes calls within a call');
    return { address, nonce, call: bytes };
  });
}

function readCall(reader: ByteReader): Call {
  const start = reader.at;
  readAddress(reader);
  const name = readOpaque(reader).toString('latin1');
  const args = readList(reader, () => readValue(reader));
  return { function: name, args, bytes: reader.since(start) };
}

function readAccount(reader: ByteReader): void {
  const type = readUint(reader);
  if (type !== 0 && type !== MUXED) throw new UnreadablePayment('has an account of an unknown kind');
  reader.bytes(type === 0 ? 32 : 40);
}

function readPreconditions(reader: ByteReader): void {
  const type = readUint(reader);
  if (type > 2) throw new UnreadablePayment('has unknown preconditions');
  if (type === 1) reader.bytes(16);
  if (type !== 2) return;
  readOptional(reader, () => reader.bytes(16));
  readOptional(reader, () => reader.bytes(8));
  readOptional(reader, () => reader.bytes(8));
  reader.bytes(8 + 4);
  readList(reader, () => {
    const kind = readUint(reader);
    reader.bytes(32);
    if (kind === 3) readOpaque(reader);
  });
}

function readMemo(reader: ByteReader): void {
  const type = readUint(reader);
  if (type > 4) throw new UnreadablePayment('has an unknown memo');
  if (type === 1) readOpaque(reader);
  else if (type !== 0) reader.bytes(type === 2 ? 8 : 32);
}
