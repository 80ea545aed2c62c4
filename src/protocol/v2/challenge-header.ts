import type { JsonObject } from '../../domain/x402.ts';
import { ACCESS_PASS, declareAccessPass } from '../access-pass.ts';
import type { ChallengeSubject } from '../challenge.ts';
import { declareIdentifier, PAYMENT_IDENTIFIER } from '../payment-identifier.ts';
import { declareSignIn, SIGN_IN_WITH_X } from '../sign-in-with-x.ts';

/** Writes the value of `PAYMENT-REQUIRED`. */
export type ChallengeHeader = (resourceUrl: string, error: string) => string;

/**
 * Prepares the v2 header of a route's 402. All that does not depend on the request is serialised and base64-encoded here;
 * per request only the resource's URL and the error text are added, and a fresh nonce where a buyer can sign in.
 */
export function compileHeader(subject: ChallengeSubject): ChallengeHeader {
  const accepts = JSON.stringify(subject.offers.map((offer) => offer.requirements));
  const facts = JSON.stringify({ description: subject.description, mimeType: subject.mimeType }).slice(1, -1);
  const resource = `"resource":{${facts}${facts === '' ? '' : ','}"url":`;
  const { signIn } = subject;
  const front = `{"x402Version":2,"accepts":${accepts},`;
  const encodedHead = encodeHead(front + openExtensions({ ...subject, signIn: undefined }) + resource);
  // With a sign-in the head ends inside its `info`, where what is fresh goes in.
  const signInHead = signIn && encodeHead(front + openExtensions(subject));
  return (resourceUrl, error) => {
    const fresh = signIn?.challenge(resourceUrl);
    const tail = `${JSON.stringify(resourceUrl)}},"error":${JSON.stringify(error)}}`;
    if (fresh === undefined || signInHead === undefined) return encodedHead + encode(tail);
    return signInHead + encode(`${JSON.stringify(fresh).slice(1)}}},${resource}${tail}`);
  };
}

/**
 * The `extensions` member with its comma, empty where there is none. With a sign-in, which comes last, it stays open
 * after the fixed members of its `info`.
 */
function openExtensions({ identifier, access, signIn }: ChallengeSubject): string {
  const declared = declareIdentifier(identifier);
  const extensions: JsonObject = {
    ...(declared === undefined ? {} : { [PAYMENT_IDENTIFIER]: declared }),
    ...(access === undefined ? {} : { [ACCESS_PASS]: declareAccessPass(access) }),
  };
  const members = JSON.stringify(extensions).slice(1, -1);
  if (signIn === undefined) return members === '' ? '' : `"extensions":{${members}},`;
  const { rest, info } = declareSignIn(signIn.networks);
  const fixed = `${JSON.stringify(rest).slice(0, -1)},"info":${JSON.stringify(info).slice(0, -1)},`;
  return `"extensions":{${members}${members === '' ? '' : ','}"${SIGN_IN_WITH_X}":${fixed}`;
}

/** White space at the end brings the head to a multiple of three bytes, so that its base64 can stand alone. */
function encodeHead(head: string): string {
  const padding = ' '.repeat((3 - (Buffer.byteLength(head) % 3)) % 3);
  return encode(head + padding);
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
