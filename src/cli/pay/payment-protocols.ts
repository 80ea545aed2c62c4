import type { AssetTable } from '../../config/asset-table.ts';
import type { ProtocolSetting } from '../../domain/protocol-setting.ts';
import { mpp } from './mpp/mpp.ts';
import type { PaymentProtocol } from './payment-protocol.ts';
import type { SignedPayment } from './purchase-terms.ts';
import type { Receipt } from './receipt.ts';
import { x402 } from './x402.ts';

const BY_SETTING: Readonly<Record<ProtocolSetting, PaymentProtocol>> = { x402, mpp };

/** The protocols that a buyer pays by, the preferred one first. */
export const PAYMENT_PROTOCOLS: readonly PaymentProtocol[] = Object.values(BY_SETTING);

/** The protocol by its word in the configuration. */
export function paymentProtocol(setting: ProtocolSetting): PaymentProtocol {
  return BY_SETTING[setting];
}

/** Describes the first price in the headers of a 402, one fact per line; no line where no price can be read. */
export function describePrice(headers: Headers, table: AssetTable, url: string): readonly string[] {
  return firstOf((protocol) => filled(protocol.describePrice(headers, table, url))) ?? [];
}

/** The payment that a request carries, in any protocol. */
export function paymentHeader(headers: Headers): SignedPayment['header'] | undefined {
  return firstOf((protocol) => protocol.paymentIn(headers));
}

/** The receipt of an answer, in any protocol; `undefined` where none is sound. */
export function readReceipt(headers: Headers): Receipt | undefined {
  return firstOf((protocol) => protocol.readReceipt(headers));
}

function firstOf<Value>(read: (protocol: PaymentProtocol) => Value | undefined): Value | undefined {
  for (const protocol of PAYMENT_PROTOCOLS) {
    const value = read(protocol);
    if (value !== undefined) return value;
  }
  return undefined;
}

function filled(lines: readonly string[]): readonly string[] | undefined {
  return lines.length === 0 ? undefined : lines;
}
