import type { Amount } from '../domain/amount.ts';
import { type MppPrice, mppOffersOf } from '../domain/mpp-offer.ts';

/** Names of the field, the scheme and the parameters that every challenge has, with an id, a time and a salt. */
const FIXED_BYTES = 204;
/** The parameter `header` without its value: it names a field other than `Authorization`. */
const HEADER_ROOM_BYTES = 11;
/** The parameter `description` without its text. */
const DESCRIPTION_ROOM_BYTES = 16;
/** The JSON of a `request` without its amount, with a chain id of ten digits. */
const REQUEST_BYTES = 277;

/** What the challenges of a route state besides its offers. */
export interface MppFacts {
  /** Host that clients see. */
  readonly realm: string;
  readonly description: string | undefined;
  /** The field that credentials come in. */
  readonly header: string;
}

/** How much of a head the challenges of MPP for a price can take, in bytes. */
export function mppLength(price: MppPrice, { realm, description, header }: MppFacts): number {
  const shared =
    FIXED_BYTES +
    realm.length +
    (header.toLowerCase() === 'authorization' ? 0 : HEADER_ROOM_BYTES + header.length) +
    (description === undefined ? 0 : DESCRIPTION_ROOM_BYTES + quotedLength(description));
  return mppOffersOf(price).reduce((sum, { amount }) => sum + shared + requestLength(amount), 0);
}

function requestLength(amount: Amount): number {
  return Math.ceil(((REQUEST_BYTES + String(amount).length) * 4) / 3);
}

/** Between quotes a backslash goes before quotes and backslashes, and what is no ASCII takes the six signs of an escape. */
function quotedLength(text: string): number {
  return text.replaceAll(/["\\]|[^ -~]/g, (sign) => (sign === '"' || sign === '\\' ? '--' : '------')).length;
}
