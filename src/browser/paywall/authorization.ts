import type { PayableOffer } from '../../paywall/page-data.ts';
import { TRANSFER_AUTHORIZATION } from '../../paywall/transfer-authorization.ts';

/** The message of a `TransferWithAuthorization` (EIP-3009), with numbers as decimal text. */
export interface TransferAuthorization {
  readonly from: string;
  readonly to: string;
  readonly value: string;
  readonly validAfter: string;
  readonly validBefore: string;
  readonly nonce: string;
}

const DOMAIN_FIELDS = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
];

/** Most that the clocks of chain and gateway differ by, in seconds: an authorization is valid from this long ago. */
const SLACK_SECONDS = 600;

/**
 * Makes the authorization that pays an offer, for its account to sign.
 *
 * @param now Unix milliseconds, by the gateway's clock
 */
export function authorize(offer: PayableOffer, from: string, now: number): TransferAuthorization {
  const seconds = Math.floor(now / 1000);
  return {
    from,
    to: offer.accepted.payTo,
    value: offer.accepted.amount,
    validAfter: String(seconds - SLACK_SECONDS),
    validBefore: String(seconds + offer.accepted.maxTimeoutSeconds),
    nonce: toHex(crypto.getRandomValues(new Uint8Array(32))),
  };
}

/** The authorization as `eth_signTypedData_v4` takes it. */
export function typedData(offer: PayableOffer, message: TransferAuthorization): string {
  return JSON.stringify({
    types: { EIP712Domain: DOMAIN_FIELDS, TransferWithAuthorization: TRANSFER_AUTHORIZATION },
    primaryType: 'TransferWithAuthorization',
    domain: { ...offer.domain, chainId: offer.chainId, verifyingContract: offer.accepted.asset },
    message,
  });
}

/** The value of `PAYMENT-SIGNATURE`. */
export function paymentHeader(offer: PayableOffer, authorization: TransferAuthorization, signature: string): string {
  const payload = { signature: plainSignature(signature), authorization };
  const json = JSON.stringify({ x402Version: 2, accepted: offer.accepted, payload });
  return btoa(String.fromCharCode(...new TextEncoder().encode(json)));
}

/** Tokens take 27 and 28 as the last byte; some wallets write 0 and 1. */
function plainSignature(signature: string): string {
  const last = signature.length === 132 ? Number.parseInt(signature.slice(-2), 16) : 27;
  return last > 1 ? signature : `${signature.slice(0, -2)}${(last + 27).toString(16)}`;
}

function toHex(bytes: Uint8Array): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
