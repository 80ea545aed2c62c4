import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import { paymentParts } from '../../protocol/mpp/auth-list.ts';
import { purchaseByMpp } from './mpp-purchase.ts';
import { paymentHeader } from './payment-header.ts';
import type { PurchaseOutcome, PurchaseTerms } from './purchase-terms.ts';
import { purchaseByX402 } from './x402-purchase.ts';

/** Asks for a resource, and pays once, in one protocol, where the price is within the limit and agreed to. */
export async function purchase(request: Request, terms: PurchaseTerms): Promise<PurchaseOutcome> {
  const first = await terms.fetch(request.clone());
  // A request that brings its payment asks for the outcome of that one: nothing is paid beside it.
  const isRepeat = paymentHeader(request.headers) !== undefined;
  if (first.status !== 402 || isRepeat) return { kind: 'answered', response: first, signed: undefined };
  const offersX402 = await statesX402(first);
  switch (terms.protocol ?? (offersX402 ? 'x402' : 'mpp')) {
    case 'mpp':
      return await purchaseByMpp(request, first, terms);
    case 'x402':
      if (!offersX402) return { kind: 'refused', refusal: { kind: 'not_offered', protocol: 'x402' } };
      return await purchaseByX402(request, first, terms);
  }
}

/** Whether a 402 can be one of x402: its header, or the body of v1, or nothing that says that it is one of MPP. */
async function statesX402(response: Response): Promise<boolean> {
  const { headers } = response;
  if (headers.has('payment-required') || paymentParts(headers.get('www-authenticate') ?? '').length === 0) return true;
  try {
    const body: Json = JSON.parse(await response.clone().text());
    return isJsonObject(body) && body['x402Version'] !== undefined;
  } catch {
    return false;
  }
}
