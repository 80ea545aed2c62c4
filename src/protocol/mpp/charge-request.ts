import { type Amount, formatAmount, parseAmount } from '../../domain/amount.ts';
import { statesByMpp } from '../../domain/mpp-prices.ts';
import { evmChainId } from '../../domain/network.ts';
import type { Offer } from '../../domain/offer.ts';
import { canonicalJson, isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import { type Address, parseAddress } from '../../evm/address.ts';
import { PERMIT2 } from '../../evm/addresses.ts';
import { checksumAddress } from '../../evm/checksum.ts';
import { readJsonBytes } from '../header-json.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';

/** The method and the intent that are spoken, and the one type of credential. */
export const METHOD = 'evm';
export const INTENT = 'charge';
export const CREDENTIAL_TYPE = 'authorization';

/** The money that a `request` asks for. */
export interface ChargeFacts {
  readonly chainId: number;
  readonly currency: Address;
  readonly recipient: Address;
  readonly amount: Amount;
}

/**
 * Writes the `request` of an offer: base64url of canonical JSON. `undefined` where the offer cannot be paid by an
 * authorization of EIP-3009 over exactly its amount.
 *
 * @see draft-evm-charge-00, "Request Schema"
 */
export function chargeRequest(offer: Offer): string | undefined {
  const { network, asset, amount, payTo } = offer;
  const chainId = evmChainId(network);
  if (chainId === undefined || !statesByMpp(offer)) return undefined;
  const request = {
    amount: formatAmount(amount),
    currency: checksumAddress(asset.address) ?? asset.address,
    methodDetails: {
      chainId,
      credentialTypes: [CREDENTIAL_TYPE],
      decimals: asset.decimals,
      // An authorization does not use it, but the draft requires it.
      permit2Address: checksumAddress(PERMIT2) ?? PERMIT2,
    },
    recipient: checksumAddress(payTo) ?? payTo,
  };
  return encodeBase64url(canonicalJson(request));
}

/** Reads the money out of a `request` that came back; `undefined` for what we never asked for. */
export function readChargeRequest(request: string): ChargeFacts | undefined {
  const bytes = decodeBase64url(request);
  const decoded = bytes && readJsonBytes(bytes);
  if (decoded?.ok !== true || !isJsonObject(decoded.value)) return undefined;
  const { amount: stated, currency: token, recipient: payee, methodDetails } = decoded.value;
  const chainId = isJsonObject(methodDetails) ? readChainId(methodDetails['chainId']) : undefined;
  const amount = parseAmount(stated);
  const currency = parseAddress(token);
  const recipient = parseAddress(payee);
  if (chainId === undefined || amount === undefined || currency === undefined || recipient === undefined)
    return undefined;
  return { chainId, currency, recipient, amount };
}

/** Whether an offer is for just that money, and one that MPP states. */
export function asksFor(offer: Offer, { chainId, currency, recipient, amount }: ChargeFacts): boolean {
  return (
    statesByMpp(offer) &&
    evmChainId(offer.network) === chainId &&
    parseAddress(offer.asset.address) === currency &&
    parseAddress(offer.payTo) === recipient &&
    offer.amount === amount
  );
}

function readChainId(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
