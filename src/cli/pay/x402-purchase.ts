import { x402Client } from '@x402/core/client';
import { decodePaymentRequiredHeader } from '@x402/core/http';
import type { PaymentRequirements } from '@x402/core/types';
import { wrapFetchWithPayment } from '@x402/fetch';
import { registerEvmSchemes } from '../evm-schemes.ts';
import { EVM, familyOf, type PayableOffer, readOffer } from './payable-offer.ts';
import {
  type PurchaseOutcome,
  type PurchaseTerms,
  type Refusal,
  refusalOf,
  type SignedPayment,
} from './purchase-terms.ts';
import { overLimit } from './spending-limit.ts';

/**
 * Pays with the official client. The 402 that is already here serves as the answer to its first request.
 *
 * The client's own spend controls are off: they know only dollars and calculate in floating point. The limit here is
 * checked for the offer that the client has chosen, right before it signs.
 */
export async function purchaseByX402(
  request: Request,
  first: Response,
  terms: PurchaseTerms,
): Promise<PurchaseOutcome> {
  const { limit, table, agree, fetch } = terms;
  const keyless = withoutKey(first.headers.get('payment-required'), terms);
  if (keyless !== undefined) return { kind: 'refused', refusal: { kind: 'no_key', offer: keyless } };
  let refusal: Refusal | undefined;
  let chosen: PayableOffer | undefined;
  let signed: SignedPayment | undefined;
  let payer: string | undefined;
  const affordable = (entry: PaymentRequirements): boolean => {
    const offer = readOffer(entry, table);
    return offer !== undefined && overLimit(limit, offer) === undefined;
  };
  const choose = (_version: number, entries: PaymentRequirements[]): PaymentRequirements => {
    const entry = entries.find(affordable) ?? entries[0];
    if (entry === undefined) throw new Error('the server offers no way to pay');
    return entry;
  };
  const client = clientOf(choose, terms);
  client.onBeforePaymentCreation(async ({ paymentRequired, selectedRequirements }) => {
    chosen = readOffer(selectedRequirements, table);
    payer = payerOf(selectedRequirements, terms);
    refusal = await refusalOf(chosen, limit, (offer) => agree(offer, paymentRequired));
    return refusal === undefined ? undefined : { abort: true, reason: refusal.kind };
  });
  const watched: typeof globalThis.fetch = async (input, init) => {
    const sent = new Request(input, init);
    const header = paymentByX402(sent.headers);
    if (header === undefined) return first;
    if (chosen !== undefined) signed = { offer: chosen, payer: payer ?? '', header };
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

/** The payment in the headers of a request, of v2 or v1. */
export function paymentByX402(headers: Headers): SignedPayment['header'] | undefined {
  for (const name of ['PAYMENT-SIGNATURE', 'X-PAYMENT']) {
    const value = headers.get(name);
    if (value !== null) return [name, value];
  }
  return undefined;
}

type Keys = Pick<PurchaseTerms, 'wallet' | 'others' | 'table'>;

/** The official client, for the chains that there is a key for. */
function clientOf(
  choose: (version: number, entries: PaymentRequirements[]) => PaymentRequirements,
  { wallet, others = [] }: Keys,
): x402Client {
  const client = new x402Client(choose).setSpendControls(false);
  if (wallet !== undefined) registerEvmSchemes(client, wallet);
  for (const { family, scheme } of others) client.register(`${family}:*`, scheme);
  return client;
}

/** The account that pays an offer; `undefined` where there is no key for its chain. */
function payerOf({ network }: PaymentRequirements, { wallet, others = [] }: Keys): string | undefined {
  const family = familyOf(network);
  return family === EVM ? wallet?.address : others.find((other) => other.family === family)?.address;
}

/** The first offer of a 402 where there is a key for none of them. */
function withoutKey(header: string | null, keys: Keys): PayableOffer | undefined {
  if (header === null) return undefined;
  let entries: readonly PaymentRequirements[];
  try {
    entries = decodePaymentRequiredHeader(header).accepts;
    if (entries.some((entry) => payerOf(entry, keys) !== undefined)) return undefined;
  } catch {
    return undefined;
  }
  return entries.map((entry) => readOffer(entry, keys.table)).find((offer) => offer !== undefined);
}
