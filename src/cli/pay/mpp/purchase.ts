import { type PurchaseOutcome, type PurchaseTerms, refusalOf, type SignedPayment } from '../purchase-terms.ts';
import { overLimit } from '../spending-limit.ts';
import { payableChallenges } from './challenge.ts';
import { signCredential } from './credential.ts';

/**
 * Pays one challenge of a 402 of MPP, the first that the limit covers.
 *
 * One payment is signed and sent once, whatever the answer: a second 402 is an answer, and nothing is signed for it. If
 * no answer comes, the payment may have been taken.
 */
export async function purchaseByMpp(
  request: Request,
  first: Response,
  { wallet, limit, table, agree, fetch }: PurchaseTerms,
): Promise<PurchaseOutcome> {
  // All that counts is in the head; the connection is free for the payment.
  await first.body?.cancel();
  const challenges = payableChallenges(first.headers, table, Date.now());
  const challenge = challenges.find(({ offer }) => overLimit(limit, offer) === undefined) ?? challenges[0];
  if (challenge === undefined) return { kind: 'refused', refusal: { kind: 'not_offered', protocol: 'mpp' } };
  const { offer, description } = challenge;
  const resource = { url: request.url, ...(description === undefined ? {} : { description }) };
  if (wallet === undefined) return { kind: 'refused', refusal: { kind: 'no_key', offer } };
  const token = offer.asset;
  if (token?.transferMethod !== 'eip3009') return { kind: 'refused', refusal: { kind: 'unknown_token', offer } };
  const refusal = await refusalOf(offer, limit, () => agree(offer, { resource }));
  if (refusal !== undefined) return { kind: 'refused', refusal };
  const credential = await signCredential(challenge, wallet, token);
  const signed: SignedPayment = { offer, payer: wallet.address, header: [challenge.header, credential] };
  try {
    return { kind: 'answered', response: await fetch(withCredential(request, signed.header)), signed };
  } catch (fault) {
    return { kind: 'lost', signed, fault: fault instanceof Error ? fault : new Error(String(fault)) };
  }
}

/** Adds the credential to the field as a list member; the field's value for the API stays. */
function withCredential(request: Request, [name, credential]: SignedPayment['header']): Request {
  const paying = new Request(request);
  paying.headers.append(name, credential);
  return paying;
}
