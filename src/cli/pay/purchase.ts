import { x402Client } from '@x402/core/client';
import type { PaymentRequired, PaymentRequirements } from '@x402/core/types';
import { registerExactEvmScheme } from '@x402/evm/exact/client';
import { UptoEvmScheme } from '@x402/evm/upto/client';
import { wrapFetchWithPayment } from '@x402/fetch';
import type { PrivateKeyAccount } from 'viem/accounts';
import type { AssetTable } from '../../config/asset-table.ts';
import { type PayableOffer, readOffer } from './payable-offer.ts';
import { overLimit, type SpendingLimit } from './spending-limit.ts';

/** Why nothing was paid. */
export type Refusal =
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'over_limit'; readonly offer: PayableOffer; readonly why: string }
  | { readonly kind: 'declined' }
  /** There is no terminal to ask at, and nobody said yes beforehand. */
  | { readonly kind: 'nobody_to_ask' }
  /** Nothing tells catalogues of the route, and to be listed was what it should be paid for. */
  | { readonly kind: 'not_for_catalogues' };

/** What came of asking. */
export type Agreement = 'agreed' | 'declined' | 'nobody_to_ask' | 'not_for_catalogues';

/** What asking for a resource came to. */
export type PurchaseOutcome =
  /** There is a response: of a free resource, of a paid one, or of a server that did not take the payment. */
  | { readonly kind: 'answered'; readonly response: Response; readonly signed: SignedPayment | undefined }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The payment may have reached the server, and there is no answer. */
  | { readonly kind: 'lost'; readonly signed: SignedPayment; readonly fault: Error };

/** A payment that was made, for sending it again without paying again. */
export interface SignedPayment {
  readonly offer: PayableOffer;
  /** The account that it is taken from. */
  readonly payer: string;
  readonly header: readonly [name: string, value: string];
}

/** Who pays, how much at most, and who is asked. */
export interface PurchaseTerms {
  readonly wallet: PrivateKeyAccount;
  readonly limit: SpendingLimit;
  readonly table: AssetTable;
  /** Asked once an offer within the limit is found. */
  readonly agree: (offer: PayableOffer, required: PaymentRequired) => Promise<Agreement>;
  readonly fetch: (request: Request) => Promise<Response>;
}

/**
 * Asks for a resource with the official client, and pays once where the price is within the limit and agreed to.
 *
 * The client's own spend controls are off: they know dollars only and reckon in floating point. The limit here is
 * checked for whatever the client has chosen to sign, right before it signs.
 */
export async function purchase(request: Request, terms: PurchaseTerms): Promise<PurchaseOutcome> {
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
  const watched: typeof globalThis.fetch = (input, init) => {
    const sent = new Request(input, init);
    const header = paymentHeader(sent.headers);
    if (header !== undefined && chosen !== undefined) signed = { offer: chosen, payer: wallet.address, header };
    return fetch(sent);
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

async function refusalOf(
  offer: PayableOffer | undefined,
  limit: SpendingLimit,
  agree: (offer: PayableOffer) => Promise<Agreement>,
): Promise<Refusal | undefined> {
  if (offer === undefined) return { kind: 'unreadable' };
  const why = overLimit(limit, offer);
  if (why !== undefined) return { kind: 'over_limit', offer, why };
  const agreement = await agree(offer);
  return agreement === 'agreed' ? undefined : { kind: agreement };
}

/** The payment that a request carries, v2 or v1. */
export function paymentHeader(headers: Headers): SignedPayment['header'] | undefined {
  for (const name of ['PAYMENT-SIGNATURE', 'X-PAYMENT']) {
    const value = headers.get(name);
    if (value !== null) return [name, value];
  }
  return undefined;
}
