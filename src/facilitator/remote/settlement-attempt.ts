import { isJsonObject } from '../../domain/payment.ts';
import type { SettlementAttempt } from '../../domain/payment-record.ts';
import type { Json } from '../../domain/x402.ts';
import { type AskedAt, decodeAskedAt, encodeAskedAt } from './asked-at.ts';

/** The written part of a request to settle. */
export interface WrittenAsk {
  /** The wire form in which it is asked for. */
  readonly version: 1 | 2;
  /**
   * When the facilitator was asked, where it was asked without a verification before: the authorization may have been
   * used by a transfer that is no part of this purchase.
   */
  readonly askedAt: AskedAt | undefined;
}

/** Encodes a request to settle before it is sent. Its transaction is not known yet. */
export function encodeAttempt({ version, askedAt }: WrittenAsk): SettlementAttempt {
  const asked = askedAt === undefined ? {} : encodeAskedAt(askedAt);
  return { transaction: '', data: JSON.stringify({ version, ...asked }) };
}

/** What {@link encodeAttempt} wrote down; `undefined` for anything else. */
export function decodeAttempt(attempt: SettlementAttempt): WrittenAsk | undefined {
  try {
    const data: Json = JSON.parse(attempt.data);
    if (!isJsonObject(data)) return undefined;
    const { version } = data;
    return version === 1 || version === 2 ? { version, askedAt: decodeAskedAt(data) } : undefined;
  } catch {
    return undefined;
  }
}
