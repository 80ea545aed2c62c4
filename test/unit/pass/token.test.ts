import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pass } from '../../../src/domain/pass.ts';
import { AccessTokens } from '../../../src/pass/access-tokens.ts';
import { SignInNonces } from '../../../src/pass/sign-in-nonce.ts';
import { isSignedWith, readToken, scopeDigest, writeToken } from '../../../src/pass/token.ts';
import { createTokenKey, signingKeys } from '../../../src/pass/token-keys.ts';
import { newPassId } from '../../../src/store/new-pass-id.ts';

const SECRET = randomBytes(32).toString('base64url');
const [KEY] = signingKeys([SECRET]);
const PASS: Pass = {
  id: newPassId(),
  scope: 'route:/reports/*',
  family: 'eip155',
  payer: `0x${'ab'.repeat(20)}`,
  opens: [],
  version: randomBytes(9).toString('base64url'),
  expiresAt: 1_800_000_000_123,
  quota: { bought: 5, available: 5, lent: 0 },
  issuedAt: 1_700_000_000_000,
  revokedAt: undefined,
};

function keyOf(): typeof KEY {
  return signingKeys([createTokenKey().secret])[0];
}

describe('an access token', () => {
  it('carries the facts of its pass', () => {
    const read = readToken(writeToken(PASS, KEY));
    expect(read?.keyId).toBe(KEY.id);
    expect(read?.token).toEqual({
      passId: PASS.id,
      scope: scopeDigest(PASS.scope),
      version: PASS.version,
      holder: { family: 'eip155', payer: PASS.payer },
      expiresAt: PASS.expiresAt,
      counted: true,
      isBalance: false,
    });
  });

  it.each([
    ['without an end', { expiresAt: undefined }],
    ['without a quota', { quota: undefined }],
    ['of another family', { family: 'solana', payer: '7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv' }],
  ])('can be one %s', (_what, changes) => {
    const pass: Pass = { ...PASS, ...changes };
    const text = writeToken(pass, KEY);
    expect(text.length).toBeLessThan(250);
    expect(readToken(text)?.token).toMatchObject({
      holder: { family: pass.family, payer: pass.payer },
      expiresAt: pass.expiresAt,
      counted: pass.quota !== undefined,
    });
  });

  it('has one text: no changed, added or missing character reads as the same token', () => {
    const text = writeToken(PASS, KEY);
    const tokens = new AccessTokens([KEY]);
    expect(tokens.check(text).kind).toBe('signed');
    const alphabet = 'ABab01-_=.+/ \n%';
    for (let at = 0; at <= text.length; at++) {
      expect(tokens.check(text.slice(0, at) + text.slice(at + 1)).kind === 'signed').toBe(at === text.length);
      for (const char of alphabet) {
        const changed = text.slice(0, at) + char + text.slice(at + 1);
        expect(tokens.check(changed).kind === 'signed').toBe(changed === text);
        expect(tokens.check(text.slice(0, at) + char + text.slice(at)).kind).not.toBe('signed');
      }
    }
  });

  it('does not verify under another key, nor with another payload under its own', () => {
    const read = readToken(writeToken(PASS, KEY));
    if (read === undefined) throw new Error('the token does not read');
    expect(isSignedWith(read, KEY)).toBe(true);
    expect(isSignedWith(read, keyOf())).toBe(false);
    fc.assert(
      fc.property(fc.nat(read.payload.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const payload = Buffer.from(read.payload);
        payload.writeUInt8((payload[at] ?? 0) ^ flip, at);
        expect(isSignedWith({ ...read, payload }, KEY)).toBe(false);
      }),
    );
  });

  it('is not read from any other text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readToken(text)).toBeUndefined();
        expect(readToken(`tpk_${text}`)).toBeUndefined();
      }),
    );
    const forged = Buffer.alloc(72, 3).toString('base64url');
    expect(readToken(`tpk_${forged}.${'A'.repeat(43)}`)).toBeUndefined();
  });
});

describe('the tokens', () => {
  it('takes tokens of all its keys, and signs with the first', () => {
    const [newer, older] = [keyOf(), keyOf()];
    const old = new AccessTokens([older]).write(PASS);
    const both = new AccessTokens([newer, older]);
    expect(both.check(old).kind).toBe('signed');
    expect(readToken(both.write(PASS))?.keyId).toBe(newer.id);
    expect(new AccessTokens([newer]).check(old).kind).toBe('unsigned');
  });

  it('asks the store once what a pass was sold for', async () => {
    let asked = 0;
    const passes = {
      findPass: () => {
        asked += 1;
        return Promise.resolve({ ...PASS, opens: ['a'] });
      },
    };
    const tokens = new AccessTokens([KEY]);
    expect(await tokens.opensOf(PASS.id, passes)).toEqual(['a']);
    expect(await tokens.opensOf(PASS.id, passes)).toEqual(['a']);
    expect(asked).toBe(1);
  });

  it('gives replicas with one secret one key id, and every purpose a key of its own', () => {
    const [again] = signingKeys([SECRET]);
    expect(again).toEqual(KEY);
    expect(KEY.tokens.equals(KEY.nonces)).toBe(false);
    expect(KEY.tokens.toString('base64url')).not.toBe(SECRET);
  });
});

describe('a nonce', () => {
  const NOW = 1_800_000_000_000;
  const nonces = new SignInNonces([KEY]);

  it('is good for its purpose, for five minutes, at every gateway with the key', () => {
    const nonce = nonces.issue('reports', NOW);
    expect(nonce).toMatch(/^[0-9a-f]{64}$/);
    const other = new SignInNonces([keyOf(), KEY]);
    expect(other.read(nonce, 'reports', NOW + 300_000)?.issuedAt).toBe(NOW);
    expect(other.read(nonce, 'reports', NOW + 300_001)).toBeUndefined();
    expect(other.read(nonce, 'reports', NOW - 10_001)).toBeUndefined();
    expect(other.read(nonce, 'maps', NOW)).toBeUndefined();
    expect(new SignInNonces([keyOf()]).read(nonce, 'reports', NOW)).toBeUndefined();
  });

  it('is remembered as long as any replica accepts it', () => {
    const nonce = nonces.issue('reports', NOW);
    expect(nonces.read(nonce, 'reports', NOW)?.until).toBeGreaterThanOrEqual(NOW + 310_000);
  });

  it('is refused when any part of its text is changed', () => {
    const nonce = nonces.issue('reports', NOW);
    for (const text of [
      nonce.toUpperCase(),
      ` ${nonce}`,
      `${nonce}0`,
      nonce.slice(1),
      nonce.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    ]) {
      expect(nonces.read(text, 'reports', NOW)).toBeUndefined();
    }
  });
});
