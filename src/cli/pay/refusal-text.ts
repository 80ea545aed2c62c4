import type { ProtocolSetting } from '../../domain/protocol-setting.ts';
import { printable } from '../terminal.ts';
import { priceText } from './payable-offer.ts';
import type { Refusal } from './purchase-terms.ts';

const NOT_OFFERED: Readonly<Record<ProtocolSetting, string>> = {
  x402: 'the server states no price in x402, but it does in MPP',
  mpp: 'the server states no price in MPP that an authorization of EIP-3009 pays',
};

/** Why nothing was paid, except where the person who is asked declined. */
export function refusalText(refusal: Exclude<Refusal, { kind: 'declined' | 'nobody_to_ask' }>): string {
  switch (refusal.kind) {
    case 'unreadable':
      return 'the server does not state a price that can be read';
    case 'not_offered':
      return NOT_OFFERED[refusal.protocol];
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
