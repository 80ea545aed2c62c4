import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';

/** The newest slot that a node answers of, and the time in it by the chain's own clock. */
export interface ChainTime {
  readonly slot: number;
  /** Unix seconds. */
  readonly seconds: number;
}

/** Where the account keeps its Unix time, after slot, start of the epoch and two epochs. */
const UNIX_TIMESTAMP_AT = 32;

/**
 * Reads the account in which the chain keeps its time: one answer tells slot and time together.
 *
 * @see https://docs.solanalabs.com/runtime/sysvars#clock
 */
export function readClock(answer: Json): ChainTime | undefined {
  if (!isJsonObject(answer) || !isJsonObject(answer['context']) || !isJsonObject(answer['value'])) return undefined;
  const { slot } = answer['context'];
  const { data } = answer['value'];
  const [text]: readonly Json[] = Array.isArray(data) ? data : [];
  if (typeof slot !== 'number' || !Number.isSafeInteger(slot) || slot < 0 || typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length < UNIX_TIMESTAMP_AT + 8) return undefined;
  return { slot, seconds: Number(bytes.readBigInt64LE(UNIX_TIMESTAMP_AT)) };
}
