import { isJsonObject } from '../../domain/payment.ts';
import type { SettlementAttempt } from '../../domain/payment-record.ts';
import type { Json } from '../../domain/x402.ts';

/** The written part of a request to settle. */
export interface WrittenAsk {
  /** The wire form in which it is asked for. */
  readonly version: 1 | 2;
  /**
   * Whether the facilitator was asked without a verification before, and its answer settles nothing: the authorization
   * may have been used by a transfer that is no part of this purchase.
   */
  readonly mayBeForeign: boolean;
}

/** Encodes a request to settle before it is sent. Its transaction is not known yet. */
export function encodeAttempt({ version, mayBeForeign }: WrittenAsk): SettlementAttempt {
  return { transaction: '', data: JSON.stringify({ version, ...(mayBeForeign ? { mayBeForeign } : {}) }) };
}

/** What {@link encodeAttempt} wrote down; `undefined` for anything else. */
export function decodeAttempt(attempt: SettlementAttempt): WrittenAsk | undefined {
  try {
    const data: Json = JSON.parse(attempt.data);
    if (!isJsonObject(data)) return undefined;
    const { version, mayBeForeign } = data;
    return version === 1 || version === 2 ? { version, mayBeForeign: mayBeForeign === true } : undefined;
  } catch {
    return undefined;
  }
}
