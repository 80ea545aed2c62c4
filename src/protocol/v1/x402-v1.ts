import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import { decodeHeaderJson, encodeHeaderJson, versionText } from '../header-json.ts';
import type { Protocol, Submitted } from '../protocol.ts';

/**
 * x402 version 1 on HTTP: what `x402-fetch` and its contemporaries speak.
 *
 * @see x402 specification v1, `transports-v1/http.md`
 */
export const x402V1: Protocol = {
  version: 1,
  requestHeader: 'x-payment',
  responseHeader: 'X-PAYMENT-RESPONSE',
  decode(header) {
    const decoded = decodeHeaderJson(header);
    return decoded.ok ? readPayment(decoded.value) : { kind: 'malformed', detail: decoded.wrong };
  },
  match(submission, offers) {
    if (submission.version !== 1) return { kind: 'refused', reason: 'invalid_x402_version' };
    const { scheme, network } = submission.payload;
    // A v1 payment names neither asset nor amount: all offers of its network are candidates, the signature decides.
    const ofScheme = offers.filter((offer) => offer.v1Network !== undefined && offer.scheme === scheme);
    const matched = ofScheme.filter((offer) => offer.v1Network === network);
    if (matched.length > 0) return { kind: 'matched', offers: matched };
    return { kind: 'refused', reason: ofScheme.length === 0 ? 'unsupported_scheme' : 'invalid_network' };
  },
  encodeSettlement(response, offer) {
    // v1 readers know the network by name, and know no other fields than these.
    const { success, transaction, payer, errorReason } = response;
    return encodeHeaderJson({
      success,
      ...(errorReason === undefined ? {} : { errorReason }),
      transaction,
      network: offer.v1Network ?? response.network,
      ...(payer === undefined ? {} : { payer }),
    });
  },
};

function readPayment(value: Json): Submitted {
  if (!isJsonObject(value)) return malformed('it is not a JSON object');
  if (value['x402Version'] !== 1) {
    return malformed(`x402Version is ${versionText(value)}, and X-PAYMENT carries version 1`);
  }
  const { scheme, network, payload } = value;
  if (typeof scheme !== 'string') return malformed('scheme is not a string');
  if (typeof network !== 'string') return malformed('network is not a string');
  if (!isJsonObject(payload)) return malformed('payload is not an object');
  return { kind: 'submitted', submission: { version: 1, payload: { x402Version: 1, scheme, network, payload } } };
}

function malformed(detail: string): Submitted {
  return { kind: 'malformed', detail };
}
