import { x402Client } from '@x402/core/client';
import type { PaymentRequirements } from '@x402/core/types';
import { registerExactEvmScheme } from '@x402/evm/exact/client';
import { UptoEvmScheme } from '@x402/evm/upto/client';
import { wrapFetchWithPayment } from '@x402/fetch';
import { type PayableOffer, readOffer } from './payable-offer.ts';
import { paymentHeader } from './payment-header.ts';
import {
  type PurchaseOutcome,
  type PurchaseTerms,
  type Refusal,
  refusalOf,
  type SignedPayment,
} from './purchase-terms.ts';
import { overLimit } from './spending-limit.ts';

/**
 * Pays with the official client, which takes the 402 that was answered already for the answer to its first request.
 *
 * The client's own spend controls are off: they know dollars only and reckon in floating point. The limit here is
 * checked for whatever the client has chosen to sign, right before it signs.
 */
export async function purchaseByX402(
  request: Request,
  first: Response,
  terms: PurchaseTerms,
): Promise<PurchaseOutcome> {
  const { wallet, limit, table, agree, fetch } = terms;
  let refusal: Refusal | undefined;
  let chosen: PayableOffer | undefined;
  let signed: SignedPayment | undefined;
  const affordable = (entry: PaymentRequirements): boolean => {
    const offer = readOffer(entry, table);
    return offer !== undefined && overLimit(limit, offer) === undefined;
  };
  const choose = (_version: number, entries: PaymentRequirements[]): PaymentRequirements => {
    const entry = entries.find(affordable) ?? entries[0];
    if (entry === undefined) throw new Error('the server offers no way to pay');
    return entry;
  };
  const client = registerExactEvmScheme(new x402Client(choose), { signer: wallet })
    .register('eip155:*', new UptoEvmScheme(wallet))
    .setSpendControls(false);
  client.onBeforePaymentCreation(async ({ paymentRequired, selectedRequirements }) => {
    chosen = readOffer(selectedRequirements, table);
    refusal = await refusalOf(chosen, limit, (offer) => agree(offer, paymentRequired));
    return refusal === undefined ? undefined : { abort: true, reason: refusal.kind };
  });
  const watched: typeof globalThis.fetch = async (input, init) => {
    const sent = new Request(input, init);
    const header = paymentHeader(sent.headers);
    if (header === undefined) return first;
    if (chosen !== undefined) signed = { offer: chosen, payer: wallet.address, header };
    return await fetch(sent);
  };
  try {
    const response = await wrapFetchWithPayment(watched, client)(request);
    return { kind: 'answered', response, signed };
  } catch (fault) {
    if (refusal !== undefined) return { kind: 'refused', refusal };
    const error = fault instanceof Error ? fault : new Error(String(fault));
    if (signed !== undefined) return { kind: 'lost', signed, fault: error };
    throw error;
  }
}
