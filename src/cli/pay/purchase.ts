import type { PaymentProtocol } from './payment-protocol.ts';
import { PAYMENT_PROTOCOLS, paymentHeader, paymentProtocol } from './payment-protocols.ts';
import type { PurchaseOutcome, PurchaseTerms } from './purchase-terms.ts';

/** The protocol of a 402 in which nothing is known of a price: its refusal says what cannot be read. */
const DEFAULT_PROTOCOL = paymentProtocol('x402');

/** Asks for a resource, and pays once, in one protocol, where the price is within the limit and agreed to. */
export async function purchase(request: Request, terms: PurchaseTerms): Promise<PurchaseOutcome> {
  const first = await terms.fetch(request.clone());
  // A request that brings its payment asks for the outcome of that one: nothing is paid beside it.
  const isRepeat = paymentHeader(request.headers) !== undefined;
  if (first.status !== 402 || isRepeat) return { kind: 'answered', response: first, signed: undefined };
  const stated = await statedBy(first);
  const asked = terms.protocol === undefined ? undefined : paymentProtocol(terms.protocol);
  const protocol = asked ?? stated ?? DEFAULT_PROTOCOL;
  if (stated !== undefined && !(await protocol.isStatedBy(first))) {
    return { kind: 'refused', refusal: { kind: 'not_offered', protocol: protocol.setting } };
  }
  return await protocol.purchase(request, first, terms);
}

/** The preferred protocol of a 402; `undefined` where it is one of no protocol. */
async function statedBy(response: Response): Promise<PaymentProtocol | undefined> {
  for (const protocol of PAYMENT_PROTOCOLS) if (await protocol.isStatedBy(response)) return protocol;
  return undefined;
}
