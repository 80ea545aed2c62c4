import { hostName } from '../domain/host.ts';
import { PRICES_BY_PROTOCOL } from '../domain/prices-by-protocol.ts';
import type { ReceiptTerms } from '../domain/receipt-terms.ts';
import type { IdentifierRule } from '../domain/route.ts';
import type { PaidPrice } from '../domain/route-price.ts';
import { DEFAULT_ACCESS_TOKENS } from './access-keys.ts';
import type { PriceFields } from './compile-prices.ts';
import { inherited, soundValue } from './decoder.ts';
import type { GatewayFields } from './gateway-keys.ts';
import { headerLength } from './offers.ts';
import { namedProtocols, protocolTerms } from './protocol-keys.ts';
import type { RouteFields } from './route-keys.ts';
import type { Place, Source } from './source.ts';

/** What one signed offer adds to a 402 in base64 without the URL, and what each character of the URL adds. */
const SIGNED_OFFER: Readonly<
  Record<ReceiptTerms['format'], { readonly bytes: number; readonly perCharacter: number }>
> = {
  // A JWS is base64 itself.
  jws: { bytes: 900, perCharacter: 2 },
  eip712: { bytes: 600, perCharacter: 1.5 },
};

/** Clients and proxies in between give up on longer headers. */
const MAX_HEADER_BYTES = 6 * 1024;
/** What nginx takes of a whole head by default, where a page has 4 KB. */
const NGINX_HEAD_BYTES = 4000;
/** Status, date, security headers and the link to the description, which stand beside the price. */
const REST_OF_HEAD_BYTES = 500;
/** The longest origin that `Host` can make. */
const UNKNOWN_ORIGIN = `https://${'x'.repeat(64)}`;
const RIGHT = 'fewer ways to pay or a shorter description';

/** Checks that the 402s of a price table are short enough, without what is left out where they get long. */
export class ChallengeLengths {
  readonly #gateway: GatewayFields;
  readonly #source: Source;
  /** Prices whose 402 nginx can refuse. */
  readonly #long: { readonly place: Place; readonly bytes: number }[] = [];
  /** Prices whose 402 has no room for signed offers. */
  readonly #unsigned: Place[] = [];

  constructor(gateway: GatewayFields, source: Source) {
    this.#gateway = gateway;
    this.#source = source;
  }

  /** Reports a price whose 402 is too long for clients, and remembers one that is too long for nginx. */
  check(fields: RouteFields, ofPrice: PriceFields, price: PaidPrice, identifier: IdentifierRule): void {
    const { description } = price;
    const mimeType = soundValue(fields.mimeType);
    const url = `${soundValue(this.#gateway.publicUrl) ?? UNKNOWN_ORIGIN}${soundValue(fields.path)?.text ?? ''}`;
    const resource = {
      url,
      ...(description !== undefined && { description }),
      ...(mimeType !== undefined && { mimeType }),
    };
    const maySignIn = soundValue(this.#gateway.accessTokens)?.signIn ?? DEFAULT_ACCESS_TOKENS.signIn;
    const pass = ofPrice.access.kind !== 'absent';
    const signIn = maySignIn && (pass || soundValue(fields.free)?.by === 'payer');
    const protocols = namedProtocols(inherited(fields.protocols, this.#gateway.protocols));
    const length = protocols.includes('x402') ? headerLength(price.offers, resource, identifier, { pass, signIn }) : 0;
    const facts = { realm: hostName(new URL(url).host), terms: protocolTerms(this.#gateway) };
    const challenges = protocols.map((setting) => PRICES_BY_PROTOCOL[setting].challengeBytes(price, facts));
    const head = challenges.reduce((sum, bytes) => sum + bytes, REST_OF_HEAD_BYTES + length);
    const { place } = ofPrice.price;
    if (length > MAX_HEADER_BYTES) {
      const wrong = `the 402 would be ${length - MAX_HEADER_BYTES} bytes over the 6 KB that every client takes`;
      this.#source.report(place, wrong, RIGHT);
    } else if (head > NGINX_HEAD_BYTES) {
      this.#long.push({ place, bytes: head });
    }
    const terms = soundValue(this.#gateway.receipts);
    if (terms === undefined || terms === 'off') return;
    const { bytes, perCharacter } = SIGNED_OFFER[terms.format];
    const signatures = price.offers.length * (bytes + url.length * perCharacter);
    if (length + signatures + REST_OF_HEAD_BYTES > NGINX_HEAD_BYTES) this.#unsigned.push(place);
  }

  /** Warns of the prices whose 402 nginx can refuse, in one line: they mostly share the cause. */
  warn(): void {
    this.#warnOfUnsigned();
    const [first, ...others] = this.#long;
    if (first === undefined) return;
    const more = others.length === 0 ? '' : `; the same holds for ${others.length} more`;
    this.#source.warn(
      first.place,
      `the head of the 402 can have ${first.bytes} bytes, and nginx in front answers 502 to more than ${NGINX_HEAD_BYTES} unless its proxy_buffer_size is larger${more}`,
      RIGHT,
    );
  }

  #warnOfUnsigned(): void {
    const [first, ...others] = this.#unsigned;
    if (first === undefined) return;
    const more = others.length === 0 ? '' : `; the same holds for ${others.length} more`;
    const wrong = `the 402 has no room for signed offers, which are left out where it gets too long${more}`;
    this.#source.warn(first, wrong, RIGHT);
  }
}
