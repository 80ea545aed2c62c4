import type { AssetTable } from '../../config/asset-table.ts';
import type { Amount } from '../../domain/amount.ts';
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
