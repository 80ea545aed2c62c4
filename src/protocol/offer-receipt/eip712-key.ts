import type { JsonObject } from '../../domain/x402.ts';
import type { Address } from '../../evm/address.ts';
import { accountOf, type SignDigest } from '../../evm/digest-signer.ts';
import type { Keccak256 } from '../../evm/keccak.ts';
import { type OfferPayload, type ReceiptPayload, type ReceiptSigner, seedOf } from './receipt-signer.ts';

const DOMAIN_TYPE = 'EIP712Domain(string name,string version,uint256 chainId)';
const OFFER_TYPE =
  'Offer(uint256 version,string resourceUrl,string scheme,string network,string asset,string payTo,string amount,uint256 validUntil)';
const RECEIPT_TYPE =
  'Receipt(uint256 version,string network,string resourceUrl,string payer,uint256 issuedAt,string transaction)';
/** The chain of the signature's domain, whatever chain is paid on: x402 `extensions/extension-offer-and-receipt.md` §3.2. */
const CHAIN_ID = 1;

/** The account that signs offers and receipts by EIP-712. It holds no money and moves none. */
export class Eip712Key {
  readonly account: Address;
  /** What names it in the DID document. */
  readonly method: JsonObject & { readonly id: string };
  readonly #key: Uint8Array;

  /** @param secret base64url of at least 32 bytes */
  constructor(secret: string, did: string, keccak256: Keccak256) {
    this.#key = seedOf(secret, 'turnpike receipt account v1');
    this.account = accountOf(this.#key, keccak256);
    this.method = {
      id: `${did}#${this.account}`,
      type: 'EcdsaSecp256k1RecoveryMethod2020',
      controller: did,
      blockchainAccountId: `eip155:${CHAIN_ID}:${this.account}`,
    };
  }

  /** What signs with it. */
  signer(signDigest: SignDigest, keccak256: Keccak256): ReceiptSigner {
    return new Eip712Signer((digest) => signDigest(this.#key, digest), keccak256);
  }
}

class Eip712Signer implements ReceiptSigner {
  readonly #sign: (digest: Uint8Array) => Uint8Array;
  readonly #keccak256: Keccak256;
  readonly #offer: { readonly domain: Uint8Array; readonly type: Uint8Array };
  readonly #receipt: { readonly domain: Uint8Array; readonly type: Uint8Array };

  constructor(sign: (digest: Uint8Array) => Uint8Array, keccak256: Keccak256) {
    this.#sign = sign;
    this.#keccak256 = keccak256;
    this.#offer = { domain: this.#domain('x402 offer'), type: this.#hash(OFFER_TYPE) };
    this.#receipt = { domain: this.#domain('x402 receipt'), type: this.#hash(RECEIPT_TYPE) };
  }

  offer(payload: OfferPayload): JsonObject {
    const { version, resourceUrl, scheme, network, asset, payTo, amount, validUntil } = payload;
    const { domain, type } = this.#offer;
    const texts = [resourceUrl, scheme, network, asset, payTo, amount].map((text) => this.#hash(text));
    const signature = this.#signed(domain, [type, word(version), ...texts, word(validUntil)]);
    return { format: 'eip712', payload: { ...payload }, signature };
  }

  receipt(given: ReceiptPayload): JsonObject {
    // The type of a structure is fixed: a member that is left out is signed as empty.
    const payload = { ...given, transaction: '' };
    const { version, network, resourceUrl, payer, issuedAt, transaction } = payload;
    const { domain, type } = this.#receipt;
    const signature = this.#signed(domain, [
      ...[type, word(version), this.#hash(network), this.#hash(resourceUrl), this.#hash(payer)],
      ...[word(issuedAt), this.#hash(transaction)],
    ]);
    return { format: 'eip712', payload, signature };
  }

  #domain(name: string): Uint8Array {
    const words = [this.#hash(DOMAIN_TYPE), this.#hash(name), this.#hash('1'), word(CHAIN_ID)];
    return this.#keccak256(Buffer.concat(words));
  }

  #hash(text: string): Uint8Array {
    return this.#keccak256(Buffer.from(text, 'utf8'));
  }

  #signed(domain: Uint8Array, struct: readonly Uint8Array[]): string {
    const hash = this.#keccak256(Buffer.concat(struct));
    const digest = this.#keccak256(Buffer.concat([Uint8Array.of(0x19, 0x01), domain, hash]));
    return `0x${Buffer.from(this.#sign(digest)).toString('hex')}`;
  }
}

/** A whole number as a `uint256`. */
function word(value: number): Uint8Array {
  return Buffer.from(BigInt(value).toString(16).padStart(64, '0'), 'hex');
}
