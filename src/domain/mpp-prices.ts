import { type Amount, formatAmount } from './amount.ts';
import type { Offer } from './offer.ts';
import type { ChallengeFacts, ProtocolPrices, StatedPrice } from './protocol-prices.ts';

/** Names of the field, the scheme and the parameters that every challenge has, with an id, a time and a salt. */
const FIXED_BYTES = 204;
/** The parameter `header` without its value: it names a field other than `Authorization`. */
const HEADER_ROOM_BYTES = 11;
/** The parameter `description` without its text. */
const DESCRIPTION_ROOM_BYTES = 16;
/** The JSON of a `request` without its amount, with a chain id of ten digits. */
const REQUEST_BYTES = 277;

/** Whether MPP can state an offer: its credentials are authorizations of EIP-3009 over exactly the amount. */
export function statesByMpp({ scheme, asset }: Offer): boolean {
  return scheme === 'exact' && asset.transferMethod === 'eip3009';
}

/** The offers of a price that MPP states: none for a metered price, or for answers on credit. */
function offersOf({ offers, settle, metering }: StatedPrice): readonly Offer[] {
  return settle === 'deferred' || metering !== undefined ? [] : offers.filter(statesByMpp);
}

function whyNot(price: StatedPrice): string | undefined {
  if (price.settle === 'deferred') return 'its receipts come with the answer, and settle: deferred has none by then';
  if (price.metering !== undefined) return 'it is charged by what was used';
  return price.offers.some(statesByMpp) ? undefined : 'none of its tokens is paid by EIP-3009';
}

function challengeBytes(price: StatedPrice, { realm, terms }: ChallengeFacts): number {
  const { header } = terms.mpp;
  const { description } = price;
  const shared =
    FIXED_BYTES +
    realm.length +
    (header.toLowerCase() === 'authorization' ? 0 : HEADER_ROOM_BYTES + header.length) +
    (description === undefined ? 0 : DESCRIPTION_ROOM_BYTES + quotedLength(description));
  return offersOf(price).reduce((sum, { amount }) => sum + shared + requestLength(amount), 0);
}

function requestLength(amount: Amount): number {
  return Math.ceil(((REQUEST_BYTES + String(amount).length) * 4) / 3);
}

/** The length between quotes: a quote or backslash takes one more, a character that is not ASCII six for its escape. */
function quotedLength(text: string): number {
  return text.replaceAll(/["\\]|[^ -~]/g, (sign) => (sign === '"' || sign === '\\' ? '--' : '------')).length;
}

/** The prices of MPP. */
export const MPP_PRICES: ProtocolPrices = {
  name: 'MPP',
  whyNot(price) {
    const wrong = whyNot(price);
    const right = 'settle: after or before, a fixed price, and an EVM token that has EIP-3009, such as USDC';
    return wrong === undefined ? undefined : { wrong, right };
  },
  infoOf: (price) =>
    offersOf(price).map(({ network, amount, asset }) => ({
      intent: 'charge',
      method: 'evm',
      amount: formatAmount(amount),
      currency: asset.address,
      network,
    })),
  challengeBytes,
};
