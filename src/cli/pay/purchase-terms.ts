import type { PrivateKeyAccount } from 'viem/accounts';
import type { AssetTable } from '../../config/asset-table.ts';
import type { ProtocolSetting } from '../../domain/protocol-setting.ts';
import type { OtherWallet } from './other-wallet.ts';
import type { PayableOffer, Stated } from './payable-offer.ts';
import { overLimit, type SpendingLimit } from './spending-limit.ts';

/** Why nothing was paid. */
export type Refusal =
  | { readonly kind: 'unreadable' }
  /** The 402 states no price in the protocol that was asked for. */
  | { readonly kind: 'not_offered'; readonly protocol: ProtocolSetting }
  /** There is no key for this network. */
  | { readonly kind: 'no_key'; readonly offer: PayableOffer }
  /** No signature for this token can be made here. */
  | { readonly kind: 'unknown_token'; readonly offer: PayableOffer }
  | { readonly kind: 'over_limit'; readonly offer: PayableOffer; readonly why: string }
  | { readonly kind: 'declined' }
  /** There is no terminal for the question, and no consent was given before. */
  | { readonly kind: 'nobody_to_ask' }
  /** The payment was meant to get the route listed, but the route is not described for catalogues. */
  | { readonly kind: 'not_for_catalogues' };

/** What came of asking. */
export type Agreement = 'agreed' | 'declined' | 'nobody_to_ask' | 'not_for_catalogues';

/** The result of asking for a resource. */
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

/** The payer, the limit, and the person who is asked. */
export interface PurchaseTerms {
  /** Pays on EVM. */
  readonly wallet: PrivateKeyAccount | undefined;
  /** Pay on chains of other families, one each. Default: none. */
  readonly others?: readonly OtherWallet[];
  readonly limit: SpendingLimit;
  readonly table: AssetTable;
  /** The protocol to pay by; `undefined` for x402, where the server speaks it. */
  readonly protocol: ProtocolSetting | undefined;
  /** Asked once an offer within the limit is found. */
  readonly agree: (offer: PayableOffer, stated: Stated) => Promise<Agreement>;
  readonly fetch: (request: Request) => Promise<Response>;
}

/** Why an offer is not paid; asks whether it shall be. */
export async function refusalOf(
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
