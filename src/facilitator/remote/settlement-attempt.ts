import { isJsonObject } from '../../domain/payment.ts';
import type { SettlementAttempt } from '../../domain/payment-record.ts';
import type { Json } from '../../domain/x402.ts';

/** Writes down, before it is asked for, in which form a settlement is asked for. Its transaction is not known yet. */
export function encodeAttempt(version: 1 | 2): SettlementAttempt {
  return { transaction: '', data: JSON.stringify({ version }) };
}

/** The wire form that {@link encodeAttempt} wrote down; `undefined` for anything else. */
export function decodeAttempt(attempt: SettlementAttempt): 1 | 2 | undefined {
  try {
    const data: Json = JSON.parse(attempt.data);
    const version = isJsonObject(data) ? data['version'] : undefined;
    return version === 1 || version === 2 ? version : undefined;
  } catch {
    return undefined;
  }
}
