import { printable } from '../terminal.ts';
import { priceText } from './payable-offer.ts';
import { paymentProtocol } from './payment-protocols.ts';
import type { Refusal } from './purchase-terms.ts';

/** Why nothing was paid, except where the person who is asked declined. */
export function refusalText(refusal: Exclude<Refusal, { kind: 'declined' | 'nobody_to_ask' }>): string {
  switch (refusal.kind) {
    case 'unreadable':
      return 'the server does not state a price that can be read';
    case 'not_offered':
      return paymentProtocol(refusal.protocol).notOffered;
    case 'no_key':
      return `the price is ${priceText(refusal.offer)} on ${printable(refusal.offer.network?.name ?? refusal.offer.networkId)}, and there is no key for that network: --key-env names the variable of one for EVM, --solana-key-env of one for Solana`;
    case 'unknown_token':
      return `the price is ${priceText(refusal.offer)}, and how to sign for that token by an authorization of EIP-3009 is not known here`;
    case 'over_limit':
      return `the price is ${priceText(refusal.offer)}, and ${refusal.why}`;
    case 'not_for_catalogues':
      return 'the 402 has no bazaar extension, so that no catalogue would list the route';
  }
}
