import type { Plan } from '../domain/plan.ts';
import { ReceiptDesk } from '../protocol/offer-receipt/receipt-desk.ts';
import { ReceiptKey } from '../protocol/offer-receipt/receipt-key.ts';

/**
 * Gets ready what signs the offers and receipts of a plan; `undefined` where nothing is signed.
 *
 * @param storeSecret what all processes on the store share
 * @throws GatewayError `store_unavailable`
 */
export async function openReceipts(
  { receipts, publicUrl }: Pick<Plan, 'receipts' | 'publicUrl'>,
  storeSecret: () => Promise<string>,
  clock: () => number,
): Promise<ReceiptDesk | undefined> {
  if (receipts === undefined || publicUrl === undefined) return undefined;
  return new ReceiptDesk(new ReceiptKey(await storeSecret(), publicUrl), clock);
}
