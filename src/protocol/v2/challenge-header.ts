import { isJsonObject } from '../../domain/payment.ts';
import type { JsonObject } from '../../domain/x402.ts';
import { ACCESS_PASS, declareAccessPass } from '../access-pass.ts';
import { BAZAAR, type Detail, declareBazaar, detailsOf, pathParams } from '../bazaar.ts';
import { BUILDER_CODE, declareBuilderCode } from '../builder-code.ts';
import type { AskedResource, ChallengeSubject } from '../challenge.ts';
import { declareGasSponsoring } from '../gas-sponsoring.ts';
import { decodeHeaderJson } from '../header-json.ts';
import { OFFER_RECEIPT } from '../offer-receipt/offer-receipts.ts';
import { declareIdentifier, PAYMENT_IDENTIFIER } from '../payment-identifier.ts';
import { declareSignIn, SIGN_IN_WITH_X, type SignInChallenge } from '../sign-in-with-x.ts';
import { Base64Text, type TextPart } from './base64-text.ts';

/** Writes the value of `PAYMENT-REQUIRED`. `beside`: bytes of the head that other protocols take for the same price. */
export type ChallengeHeader = (resource: AskedResource, error: string, beside?: number) => string;

/**
 * Longest value, in characters, while an optional part can still be left out; challenges of other protocols count too.
 * nginx takes 4 000 bytes of a whole head by default; 500 are left for status, date, security headers and the link to
 * the description.
 */
const MAX_VALUE = 3500;

/** The changing values of a header. */
interface Asked {
  readonly resource: AskedResource;
  readonly error: string;
  readonly signIn: SignInChallenge | undefined;
}

/**
 * Prepares the v2 header of a route's 402. All that does not depend on the request is serialised and base64-encoded once for
 * each method; per request only the resource's URL, the values in its path and the error text are added, and a fresh nonce
 * where a buyer can sign in.
 *
 * Where the header gets too long, these parts are left out, in this order: the schemas of gas sponsoring, of the
 * builder code, of the sign-in and of the payment's id, which clients know in any case; the signed offers; the example
 * of the answer; the examples of the call; the whole `bazaar` extension; the builder code. Nothing that a buyer needs
 * to pay or to come back is ever left out.
 */
export function compileHeader(subject: ChallengeSubject): ChallengeHeader {
  const prepared = new Map<string, readonly Base64Text<Asked>[]>();
  return (resource, error, beside = 0) => {
    const signIn = subject.signIn?.challenge(resource.url);
    const key = signIn === undefined ? resource.method : `${resource.method} signing in`;
    let texts = prepared.get(key);
    if (texts === undefined) {
      texts = textsOf(subject, resource.method, signIn !== undefined);
      prepared.set(key, texts);
    }
    return writeShort(texts, { resource, error, signIn }, MAX_VALUE - beside);
  };
}

/** The object that a header of ours states. */
export function requiredIn(header: string): JsonObject {
  const decoded = decodeHeaderJson(header);
  if (!decoded.ok || !isJsonObject(decoded.value)) throw new Error('a challenge that cannot be read');
  return decoded.value;
}

/** The richest text that is short enough; the shortest one where none is. */
function writeShort(texts: readonly Base64Text<Asked>[], asked: Asked, room: number): string {
  let value = '';
  for (const text of texts) {
    if (text.fixedLength > room && text !== texts.at(-1)) continue;
    value = text.write(asked);
    if (value.length <= room) return value;
  }
  return value;
}

/** How much of the optional content a header has. */
interface Extent {
  readonly detail: Detail | undefined;
  readonly builderCode: boolean;
  /** Whether gas sponsoring, the builder code, the sign-in and the payment's id come with their schemas. */
  readonly schemas: boolean;
  readonly signedOffers: boolean;
}

/** The extents of a route's headers for one method, the richest one first: each leaves out one thing more. */
function extentsOf(subject: ChallengeSubject, method: string, signsIn: boolean): readonly Extent[] {
  const { listing, sponsoring = [], builderCode, receipts, identifier } = subject;
  const call = listing?.calls.of(method);
  const details: readonly (Detail | undefined)[] = call === undefined ? [undefined] : [...detailsOf(call), undefined];
  const coded = builderCode !== undefined;
  const isSigned = receipts !== undefined;
  const whole = { detail: details[0], builderCode: coded, schemas: true, signedOffers: isSigned };
  const plain = details.map((detail): Extent => ({ detail, builderCode: coded, schemas: false, signedOffers: false }));
  return [
    ...(coded || signsIn || sponsoring.length > 0 || identifier !== 'off' ? [whole] : []),
    ...(isSigned ? [{ ...whole, schemas: false }] : []),
    ...plain,
    ...(coded ? [{ detail: undefined, builderCode: false, schemas: false, signedOffers: false }] : []),
  ];
}

/** The texts for one method, the richest one first. */
function textsOf(subject: ChallengeSubject, method: string, signsIn: boolean): readonly Base64Text<Asked>[] {
  return extentsOf(subject, method, signsIn).map((extent) => new Base64Text(partsOf(subject, method, signsIn, extent)));
}

function partsOf(
  subject: ChallengeSubject,
  method: string,
  signsIn: boolean,
  extent: Extent,
): readonly TextPart<Asked>[] {
  const { detail } = extent;
  const members = [
    ...staticMembers(subject, extent),
    ...(detail === undefined ? [] : [bazaarMember(subject, method, detail)]),
    ...(signsIn ? [signInMember(subject, extent)] : []),
    ...(extent.signedOffers ? [signedOffersMember(subject)] : []),
  ];
  const extensions = members.flatMap((member, index) => (index === 0 ? member : [',', ...member]));
  const accepts = JSON.stringify(subject.offers.map((offer) => offer.requirements));
  return [
    `{"x402Version":2,"accepts":${accepts},`,
    ...(members.length === 0 ? [] : ['"extensions":{', ...extensions, '},']),
    `"resource":{${resourceFacts(subject)}"url":`,
    ({ resource, error }) => `${JSON.stringify(resource.url)}},"error":${JSON.stringify(error)}}`,
  ];
}

/** The members of `resource` but for its URL, with a comma behind them. */
function resourceFacts({ description, mimeType, listing }: ChallengeSubject): string {
  const tags = listing === undefined || listing.tags.length === 0 ? undefined : listing.tags;
  const facts = { description, mimeType, serviceName: listing?.serviceName, tags, iconUrl: listing?.iconUrl };
  const text = JSON.stringify(facts).slice(1, -1);
  return text === '' ? '' : `${text},`;
}

type Member = readonly TextPart<Asked>[];

function staticMembers(subject: ChallengeSubject, extent: Extent): readonly Member[] {
  const { identifier, access, sponsoring = [], builderCode } = subject;
  const declared = declareIdentifier(identifier, extent.schemas);
  const extensions: JsonObject = {
    ...Object.fromEntries(sponsoring.map((kind) => [kind, declareGasSponsoring(kind, extent.schemas)])),
    ...(builderCode && extent.builderCode ? { [BUILDER_CODE]: declareBuilderCode(builderCode, extent.schemas) } : {}),
    ...(declared === undefined ? {} : { [PAYMENT_IDENTIFIER]: declared }),
    ...(access === undefined ? {} : { [ACCESS_PASS]: declareAccessPass(access) }),
  };
  return Object.entries(extensions).map(([key, value]) => [`"${key}":${JSON.stringify(value)}`]);
}

function bazaarMember({ listing }: ChallengeSubject, method: string, detail: Detail): Member {
  const call = listing?.calls.of(method);
  if (listing === undefined || call === undefined) return [];
  const { pattern } = listing;
  const { head, tail, takesPath } = declareBazaar(call, pattern, detail);
  if (!takesPath) return [`"${BAZAAR}":${head}${tail}`];
  const values = ({ resource }: Asked): string => JSON.stringify(pathParams(pattern, resource.path));
  return [`"${BAZAAR}":${head},"pathParams":`, values, tail];
}

/** The fresh values come last in `info`. */
function signInMember({ signIn }: ChallengeSubject, { schemas }: Extent): Member {
  if (signIn === undefined) return [];
  const { rest, info } = declareSignIn(signIn.networks, { statement: signIn.statement, withSchema: schemas });
  const fixed = `${JSON.stringify(rest).slice(0, -1)},"info":${JSON.stringify(info).slice(0, -1)},`;
  return [`"${SIGN_IN_WITH_X}":${fixed}`, ({ signIn: fresh }) => `${JSON.stringify(fresh).slice(1)}`, '}'];
}

/** The offers come last, signed for the URL that is asked for. */
function signedOffersMember({ receipts, offers }: ChallengeSubject): Member {
  if (receipts === undefined) return [];
  const statement = receipts.statement(offers);
  return [`"${OFFER_RECEIPT}":{"info":{"offers":`, ({ resource }) => statement(resource.url), '}}'];
}
