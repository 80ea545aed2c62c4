import { isJsonObject } from '../../../domain/payment.ts';
import { isCredentialField } from '../../../domain/protocol-setting.ts';
import { readJsonBytes } from '../../../protocol/header-json.ts';
import { paymentParts } from '../../../protocol/mpp/auth-list.ts';
import { decodeBase64url } from '../../../protocol/mpp/base64url.ts';
import { describeOffer } from '../payable-offer.ts';
import type { PaymentProtocol } from '../payment-protocol.ts';
import { payableChallenges } from './challenge.ts';
import { purchaseByMpp } from './purchase.ts';

/** MPP: the method `evm` and the intent `charge`. */
export const mpp: PaymentProtocol = {
  setting: 'mpp',
  notOffered: 'the server states no price in MPP that an authorization of EIP-3009 pays',
  isStatedBy: async ({ headers }) => paymentParts(headers.get('www-authenticate') ?? '').length > 0,
  describePrice(headers, table, url) {
    const [challenge] = payableChallenges(headers, table, Date.now());
    if (challenge === undefined) return [];
    const { offer, description } = challenge;
    return describeOffer(offer, { resource: { url, ...(description === undefined ? {} : { description }) } }, url);
  },
  purchase: purchaseByMpp,
  paymentIn(headers) {
    for (const [name, value] of headers) {
      const [credential] = isCredentialField(name) ? paymentParts(value) : [];
      if (credential !== undefined) return [name, `Payment ${credential}`];
    }
    return undefined;
  },
  // A receipt of MPP names neither the payer nor the amount.
  readReceipt(headers) {
    const header = headers.get('payment-receipt');
    const bytes = header === null ? undefined : decodeBase64url(header);
    const decoded = bytes && readJsonBytes(bytes);
    if (decoded?.ok !== true || !isJsonObject(decoded.value)) return undefined;
    const { status, reference, chainId } = decoded.value;
    if (typeof status !== 'string') return undefined;
    return {
      success: status === 'success',
      transaction: typeof reference === 'string' ? reference : '',
      network: typeof chainId === 'number' ? `eip155:${chainId}` : '',
      payer: undefined,
      amount: undefined,
      reason: status === 'success' ? undefined : status,
    };
  },
};
