import fc from 'fast-check';
import { Challenge } from 'mppx';
import { describe, expect, it } from 'vitest';
import { ChallengeIds, challengeId } from '../../../../src/protocol/mpp/challenge-id.ts';
import { challengeSecrets } from '../../../../src/protocol/mpp/challenge-secrets.ts';
import { challengeText } from '../../../../src/protocol/mpp/challenge-text.ts';

const SECRET = 's'.repeat(32);
const FACTS = { realm: 'r', method: 'evm', intent: 'charge', request: 'e30', expires: '', digest: '', opaque: '' };

describe('the id of a challenge', () => {
  it('is the one that mppx makes of the same facts', () => {
    const text = fc.string({ minLength: 1 });
    const facts = fc.record({
      realm: text,
      amount: text,
      expires: fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
      salt: text,
    });
    const headers = fc.constantFrom('Authorization', 'Payment-Authorization');
    fc.assert(
      fc.property(facts, headers, ({ realm, amount, expires, salt }, header) => {
        const challenge = Challenge.from({
          ...{ realm, method: 'evm', intent: 'charge', request: { amount }, header, meta: { salt } },
          ...{ expires: expires.toISOString(), secretKey: SECRET },
        });
        const written = Challenge.serialize(challenge);
        const part = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(written)?.[1] ?? '';
        const bound = {
          ...FACTS,
          realm,
          request: part('request'),
          expires: expires.toISOString(),
          opaque: part('opaque'),
        };
        expect(challengeId(SECRET, bound, header)).toBe(challenge.id);
      }),
    );
  });

  const [old, fresh, other] = ['a', 'b', 'c'].map(
    (letter) => challengeSecrets([Buffer.alloc(32, letter).toString('base64url')])[0],
  );
  if (old === undefined || fresh === undefined || other === undefined) throw new Error('no secrets');
  const issued = new ChallengeIds([old], 'Authorization').issue('route', FACTS);

  it('is known as long as its key is one of the keys, and signed by the newest', () => {
    const rotated = new ChallengeIds([fresh, old], 'Authorization');
    expect(rotated.isOurs(issued, 'route', FACTS)).toBe(true);
    expect(rotated.issue('route', FACTS)).toBe(new ChallengeIds([fresh], 'Authorization').issue('route', FACTS));
    expect(new ChallengeIds([other], 'Authorization').isOurs(issued, 'route', FACTS)).toBe(false);
  });

  it('is not valid on another route, for other facts, in another field, or cut short', () => {
    const ids = new ChallengeIds([old], 'Authorization');
    expect(ids.isOurs(issued, 'route', FACTS)).toBe(true);
    expect(ids.isOurs(issued, 'other', FACTS)).toBe(false);
    for (const name of ['realm', 'method', 'intent', 'request', 'expires', 'digest', 'opaque'] as const) {
      expect(ids.isOurs(issued, 'route', { ...FACTS, [name]: `${FACTS[name]}x` })).toBe(false);
    }
    expect(new ChallengeIds([old], 'Payment-Authorization').isOurs(issued, 'route', FACTS)).toBe(false);
    expect(ids.isOurs(issued.slice(1), 'route', FACTS)).toBe(false);
    expect(ids.isOurs('', 'route', FACTS)).toBe(false);
  });
});

describe('the text of a challenge', () => {
  it('is read by mppx as it was meant, whatever characters it holds, and is ASCII on the wire', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (description) => {
        const text = challengeText([
          ...(['id', 'realm'] as const).map((name) => [name, 'x'] as const),
          ...([
            ['method', 'evm'],
            ['intent', 'charge'],
            ['request', 'e30'],
            ['description', description],
          ] as const),
        ]);
        expect(text).toMatch(/^[ -~]*$/);
        expect(Challenge.deserialize(text).description ?? '').toBe(description.replaceAll(/\p{Cc}/gu, ' '));
      }),
    );
  });
});
