import { type Hex, parseAddress, parseHex } from '../../evm/address.ts';
import { nonsense } from './rpc-fault.ts';

/** One event of a mined transaction; all hex in lower case. */
export interface EventLog {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

const QUANTITY = /^0x[0-9a-fA-F]{1,64}$/;

/** Reads a JSON-RPC quantity; throws `facilitator_invalid_answer`, naming the method, for anything else. */
export function readQuantity(value: unknown, method: string): bigint {
  if (typeof value !== 'string' || !QUANTITY.test(value)) throw nonsense(method);
  return BigInt(value);
}

/** Reads a time in Unix seconds. */
export function readSeconds(value: unknown, method: string): number {
  const seconds = Number(readQuantity(value, method));
  if (!Number.isSafeInteger(seconds)) throw nonsense(method);
  return seconds;
}

/** Reads JSON-RPC bytes, lower-cased; `length` asks for exactly that many. */
export function readBytes(value: unknown, method: string, length?: number): Hex {
  const bytes = parseHex(value, length);
  if (bytes === undefined) throw nonsense(method);
  return bytes;
}

/** Reads the events of a receipt. */
export function readLogs(value: unknown, method: string): EventLog[] {
  return readArray(value, method).map((log) => {
    const address = parseAddress(field(log, 'address'));
    if (address === undefined) throw nonsense(method);
    const topics = readArray(field(log, 'topics'), method).map((topic) => readBytes(topic, method, 32));
    return { address, topics, data: readBytes(field(log, 'data'), method) };
  });
}

/** An event that `eth_getLogs` found, and where. */
export interface FoundLog {
  readonly transaction: Hex;
  readonly block: bigint;
  readonly data: Hex;
}

/** Reads what `eth_getLogs` found. */
export function readFoundLogs(value: unknown, method: string): FoundLog[] {
  return readArray(value, method).map((log) => ({
    transaction: readBytes(field(log, 'transactionHash'), method, 32),
    block: readQuantity(field(log, 'blockNumber'), method),
    data: readBytes(field(log, 'data'), method),
  }));
}

/** A field of an answer that should be an object; `undefined` where there is none. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}

function readArray(value: unknown, method: string): unknown[] {
  if (!Array.isArray(value)) throw nonsense(method);
  return value;
}
