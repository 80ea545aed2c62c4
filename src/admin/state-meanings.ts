import type { PaymentState } from '../domain/payment-state.ts';

/** What each state means for an operator, in one sentence; `docs/ledger.md` says more. */
export const STATE_MEANINGS: Readonly<Record<PaymentState, string>> = {
  forwarding: 'The upstream is working on it; nobody was asked for money.',
  owed: 'The answer goes out on credit; the money is asked for in the background.',
  settling: 'The money was asked for; the outcome is not known yet.',
  unknown: 'The money may have moved; the gateway looks for proof, and nothing is charged again meanwhile.',
  undelivered: 'The money moved and the answer did not arrive; the same payment collects it within retryWindow.',
  delivering: 'The money moved; a request is delivering the answer.',
  delivered: 'The money moved and the answer was delivered.',
  delivered_in_part: 'The money moved; the buyer left while the answer was going out, and needs nobody.',
  delivery_unknown: 'The money moved; nobody knows whether the call took effect, and it is not made again.',
  redelivering: 'The money moved; a request is handing out the kept answer once more.',
  released: 'No money was asked for; the payment can be used again.',
  failed: 'No money moved; the payment can be tried again.',
  defaulted: 'No money moved; the answer went out for nothing, and its payer owes for it.',
  uncharged: 'The answer is going out, and has not said yet what it costs; nobody was asked for money.',
};
