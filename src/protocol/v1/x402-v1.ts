import type { Offer } from '../../domain/offer.ts';
import { isJsonObject } from '../../domain/payment.ts';
import { type Receipt, transactionOf } from '../../domain/receipt.ts';
import type { Json, PaymentPayloadV1, SettleResponse } from '../../domain/x402.ts';
import type { Contribution } from '../challenge.ts';
import { decodeHeaderJson, encodeHeaderJson, versionText } from '../header-json.ts';
import { UNNAMED } from '../payment-identifier.ts';
import { credentialIn, type Match, type Protocol, type Submission, type Submitted } from '../protocol.ts';
import { x402McpForm } from '../x402-mcp.ts';
import { compileBody } from './challenge-body.ts';

/**
 * x402 version 1 on HTTP: what `x402-fetch` and its contemporaries speak.
 *
 * @see x402 specification v1, `transports-v1/http.md`
 */
export const x402V1: Protocol = {
  name: 'x402 v1',
  setting: 'x402',
  headers: { request: ['X-PAYMENT'], response: ['X-PAYMENT-RESPONSE'] },
  credential: (fields) => credentialIn(fields, 'x-payment'),
  read(credential) {
    const decoded = decodeHeaderJson(credential);
    return decoded.ok ? readPayment(decoded.value) : { kind: 'malformed', detail: decoded.wrong };
  },
  challenge(subject) {
    const body = compileBody(subject);
    return {
      repeats: true,
      state: (resource, occasion) =>
        body === undefined
          ? NOTHING
          : { headers: [], body: { contentType: 'application/json', text: body(resource, occasion) } },
    };
  },
  receipt: (receipt) => [['X-PAYMENT-RESPONSE', encodeHeaderJson(settleResponse(receipt))]],
  mcp: x402McpForm(1, { field: 'X-PAYMENT-RESPONSE', settleResponse }),
};

const NOTHING: Contribution = { headers: [], body: undefined };

/** v1 readers know the network by name, and know no other fields than these. */
function settleResponse(receipt: Receipt): SettleResponse {
  const { network, v1Network = network, payer } = receipt;
  const transaction = transactionOf(receipt) ?? '';
  return receipt.kind === 'failed'
    ? { success: false, errorReason: receipt.reason, transaction, network: v1Network, payer }
    : { success: true, transaction, network: v1Network, payer };
}

function match({ scheme, network }: PaymentPayloadV1, offers: readonly Offer[]): Match {
  // A v1 payment names neither asset nor amount: all offers of its network are candidates, the signature decides.
  const ofScheme = offers.filter((offer) => offer.v1Network !== undefined && offer.scheme === scheme);
  const matched = ofScheme.filter((offer) => offer.v1Network === network);
  if (matched.length > 0) return { kind: 'matched', offers: matched };
  return { kind: 'refused', reason: ofScheme.length === 0 ? 'unsupported_scheme' : 'invalid_network' };
}

function readPayment(value: Json): Submitted {
  if (!isJsonObject(value)) return malformed('it is not a JSON object');
  if (value['x402Version'] !== 1) {
    return malformed(`x402Version is ${versionText(value)}, and X-PAYMENT carries version 1`);
  }
  const { scheme, network, payload } = value;
  if (typeof scheme !== 'string') return malformed('scheme is not a string');
  if (typeof network !== 'string') return malformed('network is not a string');
  if (!isJsonObject(payload)) return malformed('payload is not an object');
  const read: PaymentPayloadV1 = { x402Version: 1, scheme, network, payload };
  const submission: Submission = {
    payload,
    identifier: UNNAMED,
    namesItsOffer: false,
    match: (offers) => match(read, offers),
    paying: () => ({ version: 1, payload: read }),
  };
  return { kind: 'submitted', submission };
}

function malformed(detail: string): Submitted {
  return { kind: 'malformed', detail };
}
