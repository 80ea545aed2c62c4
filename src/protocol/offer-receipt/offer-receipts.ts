import { LRUCache } from 'lru-cache';
import type { Offer } from '../../domain/offer.ts';
import type { Receipt } from '../../domain/receipt.ts';
import type { JsonObject } from '../../domain/x402.ts';
import type { OfferPayload, ReceiptSigner } from './receipt-signer.ts';

/** The extension's key in `extensions`. */
export const OFFER_RECEIPT = 'offer-receipt';

/** Networks whose accounts and assets EIP-712 has names for. */
const EVM = 'eip155:';
/** The version of what is signed. */
const VERSION = 1;
/** How long signed offers are stated again, in seconds, at most. */
const LONGEST_WINDOW = 60;
/**
 * The part of a quote's lifetime in which the same signature is stated again: a buyer who gets it last still has most
 * of that time.
 */
const PART_OF_LIFETIME = 4;
/** Characters of signed offers that are kept, with their URLs. */
const MOST_KEPT = 8 * 1024 * 1024;

/** Signed offers that are stated for a while. */
interface Statement {
  readonly text: string;
  /** Unix seconds. */
  readonly until: number;
}

/** The signers of a host, and the document that publishes their keys. */
export interface ReceiptSigners {
  /** The DID document that names the keys. */
  readonly document: JsonObject;
  readonly jws: ReceiptSigner;
  /** Signs instead of `jws` where all networks are EVM chains. */
  readonly eip712?: ReceiptSigner | undefined;
}

/**
 * Signs the offers in 402s, and receipts of deliveries. Neither decides whether a payment is valid.
 *
 * @see x402 specification, `extensions/extension-offer-and-receipt.md`
 */
export class OfferReceipts {
  /** The DID document that names the keys. */
  readonly document: JsonObject;
  readonly #signers: ReceiptSigners;
  readonly #clock: () => number;
  /** A number for each list of offers, the same however often the list is stated. */
  readonly #ids = new WeakMap<readonly Offer[], number>();
  #lists = 0;
  readonly #kept = new LRUCache<string, Statement>({
    maxSize: MOST_KEPT,
    sizeCalculation: ({ text }, key) => text.length + key.length,
  });

  /** @param clock Unix milliseconds */
  constructor(signers: ReceiptSigners, clock: () => number) {
    this.document = signers.document;
    this.#signers = signers;
    this.#clock = clock;
  }

  /**
   * States signed offers, as the JSON of `info.offers`, for the URL of a resource. A signed offer is valid for as long
   * as the quote. It is signed at the first request, and again before much of that time is over.
   */
  statement(offers: readonly Offer[]): (resourceUrl: string) => string {
    const known = this.#ids.get(offers);
    const list = known ?? this.#lists;
    if (known === undefined) this.#lists += 1;
    this.#ids.set(offers, list);
    return (resourceUrl) => this.#state(`${list} ${resourceUrl}`, offers, resourceUrl);
  }

  #state(key: string, offers: readonly Offer[], resourceUrl: string): string {
    const now = Math.floor(this.#clock() / 1000);
    const kept = this.#kept.get(key);
    if (kept !== undefined && now < kept.until) return kept.text;
    const signer = this.#signerFor(offers.map(({ network }) => network));
    const text = JSON.stringify(
      offers.map((offer, acceptIndex) => ({ acceptIndex, ...signer.offer(offerPayload(offer, resourceUrl, now)) })),
    );
    const lifetime = Math.min(...offers.map(({ maxTimeoutSeconds }) => maxTimeoutSeconds));
    const window = Math.min(LONGEST_WINDOW, Math.floor(lifetime / PART_OF_LIFETIME));
    this.#kept.set(key, { text, until: now + window });
    return text;
  }

  /**
   * The extension of a receipt: who paid for what, and when it was delivered. The transaction is only in the receipt
   * itself.
   */
  receipt(receipt: Receipt, resourceUrl: string): JsonObject {
    const { network, payer } = receipt;
    const issuedAt = Math.floor(this.#clock() / 1000);
    const signed = this.#signerFor([network]).receipt({ version: VERSION, network, resourceUrl, payer, issuedAt });
    return { info: { receipt: signed } };
  }

  /** One form for all offers of a 402. */
  #signerFor(networks: readonly string[]): ReceiptSigner {
    const { jws, eip712 } = this.#signers;
    return eip712 !== undefined && networks.every((network) => network.startsWith(EVM)) ? eip712 : jws;
  }
}

function offerPayload({ requirements }: Offer, resourceUrl: string, now: number): OfferPayload {
  const { scheme, network, asset, payTo, amount, maxTimeoutSeconds } = requirements;
  return { version: VERSION, resourceUrl, scheme, network, asset, payTo, amount, validUntil: now + maxTimeoutSeconds };
}
