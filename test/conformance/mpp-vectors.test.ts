import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/domain/payment.ts';
import { paymentParts } from '../../src/protocol/mpp/auth-list.ts';
import { decodeBase64url, encodeBase64url } from '../../src/protocol/mpp/base64url.ts';
import { challengeId } from '../../src/protocol/mpp/challenge-id.ts';
import { challengeText } from '../../src/protocol/mpp/challenge-text.ts';
import { readCredential } from '../../src/protocol/mpp/credential.ts';
import vectors from './mpp-vectors/vectors.json' with { type: 'json' };

/** The cross-implementation vectors of the scheme, see mpp-vectors/README.md. */

const isSound = ({ name }: { readonly name: string }): boolean =>
  !/^reject |malformed|incomplete|no payment/.test(name);

describe('the official vectors', () => {
  it.each(vectors.canonicalization.filter(isSound))('canonical JSON: $name', (vector) => {
    expect(canonicalJson(JSON.parse(vector.input))).toBe(vector.canonical);
  });

  // Without the empty vector: an empty text is no credential.
  it.each(vectors.base64url.filter(({ encoded }) => encoded !== ''))('base64url: $name', (vector) => {
    const expected = vector.canonical ? vector.decodedHex : undefined;
    expect(decodeBase64url(vector.encoded)?.toString('hex')).toBe(expected);
  });

  // Text beyond ASCII is written in escapes, as mppx does, because proxies may change it.
  const plain = vectors.challengeHeaders.filter(({ header }) => /^[ -~]*$/.test(header));
  it.each(plain)('a challenge as a header: $name', ({ params, header }) => {
    expect(challengeText(Object.entries(params))).toBe(header);
  });

  it.each(vectors.challengeLists.filter(isSound))('a list of challenges: $name', ({ header, challenges }) => {
    expect(paymentParts(header)).toHaveLength(challenges?.length ?? -1);
  });

  it.each(vectors.challengeIds)('the id of a challenge: $name', ({ params }) => {
    const none = { expires: '', digest: '', opaque: '' };
    const secret = Buffer.from(vectors.hmacSecretHex, 'hex');
    expect(challengeId(secret, { ...none, ...params }, 'authorization')).toBe(params.id);
  });

  it.each(vectors.credentials.filter(isSound))('a credential: $name', (vector) => {
    const [text = ''] = paymentParts(vector.header);
    expect(decodeBase64url(text)?.toString('utf8')).toBe(vector.credentialJson);
  });

  it.each(vectors.credentials.filter((vector) => !isSound(vector)))('no credential: $name', ({ header }) => {
    const [text] = paymentParts(header);
    expect(text === undefined ? 'malformed' : readCredential(text).kind).toBe('malformed');
  });

  it.each(vectors.receipts)('a receipt: $name', (vector) => {
    expect(encodeBase64url(vector.receiptJson)).toBe(vector.header);
  });
});
