import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { decodePaymentRequiredHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import type { PaymentRequired, PaymentRequirements, ResourceInfo } from '@x402/core/types';
import { request } from 'undici';
import { privateKeyToAddress } from 'viem/accounts';
import { readAssetTable } from '../../src/config/asset-table.ts';
import { evmChainId, parseNetwork } from '../../src/domain/network.ts';
import { parseAddress } from '../../src/evm/address.ts';
import { createDigests } from '../../src/evm/eip712.ts';
import { loadKeccak256 } from '../../src/evm/keccak.ts';

/** The payer of all payments; worth nothing anywhere. */
const KEY = `0x${'07'.repeat(32)}` as const;
/** The payer's address. */
export const PAYER = privateKeyToAddress(KEY);
/** How long a payment stays good, in seconds: a pool is signed before the load that uses it begins. */
const GOOD_FOR_SECONDS = 300;

/** What of a requirement is signed. */
export interface Signable {
  readonly network: string;
  readonly asset: string;
  readonly amount: string;
  readonly payTo: string;
  readonly extra: Readonly<Record<string, unknown>>;
}

/** The signing half of the native library; the gateway itself declares no more than it recovers with. */
interface NativeSigning {
  ecdsaSign(message: Uint8Array, key: Uint8Array): { readonly signature: Uint8Array; readonly recid: number };
}

/** Signs a 32-byte digest: 65 bytes, `r || s || v`. */
export type SignDigest = (digest: Uint8Array) => Uint8Array;

/** A signed EIP-3009 authorization: the `payload` of an `exact` payment. */
export interface SignedTransfer {
  readonly signature: `0x${string}`;
  readonly authorization: Readonly<Record<'from' | 'to' | 'value' | 'validAfter' | 'validBefore' | 'nonce', string>>;
}

/** Signs payments for an offer, each with a nonce of its own. Thousands per second, where stock clients make hundreds. */
export type PaymentSigner = (offer: Signable) => SignedTransfer;

/**
 * Opens a signer with one throw-away key.
 *
 * @param goodForSeconds how long its payments are good; below zero they have run out already
 */
export async function openPaymentSigner(goodForSeconds = GOOD_FOR_SECONDS): Promise<PaymentSigner> {
  const digests = createDigests(await loadKeccak256());
  const sign = await openDigestSigner();
  const from = requireAddress(PAYER);
  return (offer) => {
    const chainId = Number(offer.network.split(':')[1]);
    const { name, version } = offer.extra;
    const domain = digests.tokenDomain({
      name: String(name),
      version: String(version),
      chainId,
      verifyingContract: requireAddress(offer.asset),
    });
    const to = requireAddress(offer.payTo);
    const validBefore = BigInt(Math.floor(Date.now() / 1000) + goodForSeconds);
    const nonce = `0x${randomBytes(32).toString('hex')}` as const;
    const message = { from, to, value: BigInt(offer.amount), validAfter: 0n, validBefore, nonce };
    const signature = sign(digests.transferWithAuthorization(domain, { ...message, signature: '0x' }));
    return {
      signature: `0x${Buffer.from(signature).toString('hex')}`,
      authorization: { from, to, value: offer.amount, validAfter: '0', validBefore: String(validBefore), nonce },
    };
  };
}

/** Opens what signs digests with the key of {@link PAYER}. */
export async function openDigestSigner(): Promise<SignDigest> {
  return nativeSigner() ?? (await wasmSigner());
}

/** Asks a URL for its price and returns what signs so many values of `PAYMENT-SIGNATURE` for it. */
export async function payerFor(url: string, signer: PaymentSigner): Promise<(count: number) => string[]> {
  const response = await request(url);
  await response.body.dump();
  const { accepts, ...rest } = statedIn(String(response.headers['payment-required']));
  const [accepted] = accepts;
  if (accepted === undefined) throw new Error(`${url} states no price`);
  const signable = signableOf(accepted);
  const header = (): string =>
    encodePaymentSignatureHeader({ x402Version: 2, accepted, payload: { ...signer(signable) }, ...rest });
  return (count) => Array.from({ length: count }, header);
}

/** An offer in a header. Other makes write one in the words of x402 version 1. */
type Stated = PaymentRequirements & { readonly maxAmountRequired?: string };

/** What a 402 states. Other makes send the list of offers alone, without what it belongs to. */
function statedIn(header: string): { readonly accepts: readonly Stated[]; readonly resource?: ResourceInfo } {
  const decoded: PaymentRequired | Stated[] = decodePaymentRequiredHeader(header);
  if (Array.isArray(decoded)) return { accepts: decoded };
  const { accepts, resource } = decoded;
  return { accepts, ...(resource === undefined ? {} : { resource }) };
}

/** What of an offer is signed, in the words of version 2. */
function signableOf({ asset, amount, maxAmountRequired = amount, payTo, extra, ...stated }: Stated): Signable {
  const network = readAssetTable().find(stated.network)?.network ?? parseNetwork(stated.network);
  if (network === undefined || evmChainId(network) === undefined)
    throw new Error(`The price is stated on ${stated.network}, which is no EVM network that is known here`);
  return { network, asset, amount: maxAmountRequired, payTo, extra };
}

/** The address in a text. @throws Error */
export function requireAddress(text: string): NonNullable<ReturnType<typeof parseAddress>> {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

function nativeSigner(): SignDigest | undefined {
  const key = Buffer.from(KEY.slice(2), 'hex');
  try {
    const secp256k1: NativeSigning = createRequire(import.meta.url)('secp256k1/bindings');
    return (digest) => {
      const { signature, recid } = secp256k1.ecdsaSign(digest, key);
      return Uint8Array.of(...signature, 27 + recid);
    };
  } catch {
    return undefined; // no prebuilt binary for this platform
  }
}

async function wasmSigner(): Promise<SignDigest> {
  const key = Buffer.from(KEY.slice(2), 'hex');
  const { instantiateSecp256k1 } = await import('@bitauth/libauth');
  const secp256k1 = await instantiateSecp256k1();
  return (digest) => {
    const made = secp256k1.signMessageHashRecoverableCompact(key, digest);
    if (typeof made === 'string') throw new Error(made);
    return Uint8Array.of(...made.signature, 27 + made.recoveryId);
  };
}
