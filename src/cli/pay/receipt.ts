import type { AssetTable } from '../../config/asset-table.ts';
import { type Amount, parseAmount } from '../../domain/amount.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import { decodeHeaderJson, readJsonBytes } from '../../protocol/header-json.ts';
import { decodeBase64url } from '../../protocol/mpp/base64url.ts';
import { printable } from '../terminal.ts';
import { type PayableOffer, priceText } from './payable-offer.ts';

/** What a server says about a settlement. A claim of the server: only the chain proves it. */
export interface Receipt {
  readonly success: boolean;
  readonly transaction: string;
  readonly network: string;
  readonly payer: string | undefined;
  /** Atomic units, where the server states them. */
  readonly amount: Amount | undefined;
  readonly reason: string | undefined;
}

/** Reads `PAYMENT-RESPONSE`, `X-PAYMENT-RESPONSE` of x402 v1, or `Payment-Receipt` of MPP; `undefined` where none is sound. */
export function readReceipt(headers: Headers): Receipt | undefined {
  const header = headers.get('payment-response') ?? headers.get('x-payment-response');
  if (header === null) return readMppReceipt(headers.get('payment-receipt'));
  const decoded = decodeHeaderJson(header);
  if (!decoded.ok || !isJsonObject(decoded.value)) return undefined;
  const { success, transaction, network, payer, amount, errorReason } = decoded.value;
  if (typeof success !== 'boolean') return undefined;
  return {
    success,
    transaction: text(transaction) ?? '',
    network: text(network) ?? '',
    payer: text(payer),
    amount: parseAmount(amount),
    reason: text(errorReason),
  };
}

/** MPP names neither the payer nor the amount. */
function readMppReceipt(header: string | null): Receipt | undefined {
  const bytes = header === null ? undefined : decodeBase64url(header);
  const decoded = bytes && readJsonBytes(bytes);
  if (decoded?.ok !== true || !isJsonObject(decoded.value)) return undefined;
  const { status, reference, chainId } = decoded.value;
  if (typeof status !== 'string') return undefined;
  return {
    success: status === 'success',
    transaction: text(reference) ?? '',
    network: typeof chainId === 'number' ? `eip155:${chainId}` : '',
    payer: undefined,
    amount: undefined,
    reason: status === 'success' ? undefined : status,
  };
}

/** Describes a receipt, one fact per line. `offer` is what was paid for, where this process paid. */
export function describeReceipt(
  receipt: Receipt,
  offer: PayableOffer | undefined,
  table: AssetTable,
): readonly string[] {
  const network = table.find(receipt.network);
  const price = priceOf(receipt, offer);
  const facts = [
    receipt.success ? ['paid', price] : ['not paid', receipt.reason ?? 'the server gives no reason'],
    ['payer', receipt.payer],
    ['tx', receipt.transaction],
    ['network', network === undefined ? receipt.network : `${network.name} (${network.network})`],
  ];
  return facts.flatMap(([name = '', value]) =>
    value === undefined || value === '' ? [] : [`${name.padEnd(10)}${printable(value)}`],
  );
}

function priceOf({ amount }: Receipt, offer: PayableOffer | undefined): string {
  if (offer !== undefined) return priceText(amount === undefined ? offer : { ...offer, amount });
  return amount === undefined ? 'earlier, with the payment that was given' : `${amount} atomic units`;
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
