import { describe, expect, it } from 'vitest';
import { carriedTokens, foreignCookies, isOwnBearer, tokenCookie } from '../../../src/proxy/carried-token.ts';

describe('our cookie in a Cookie header', () => {
  it.each([
    ['a=1; turnpike_access=tpk_x; b=2', 'a=1; b=2'],
    ['turnpike_access=tpk_x; b=2', 'b=2'],
    ['a=1;turnpike_access=tpk_x', 'a=1'],
    ['a=1;  b="x y";turnpike_access=tpk_x;c=', 'a=1;  b="x y";c='],
    ['__Secure-turnpike_access=tpk_x', ''],
    ['turnpike_access=1; __Secure-turnpike_access=2; turnpike_access=3', ''],
    [' turnpike_access = tpk_x ; a=1', 'a=1'],
    ['turnpike_access', ''],
  ])('is cut out of %j, and the others stay as they are', (value, left) => {
    expect(foreignCookies(value)).toBe(left);
  });

  it.each([
    '',
    'a=1;b=2',
    ';;a=1 ; ;',
    'Turnpike_Access=1',
    'my_turnpike_access=1; a=turnpike_access',
    'a="turnpike_access=1"',
  ])('is not seen in %j, which stays as it is', (value) => {
    expect(foreignCookies(value)).toBe(value);
    expect(carriedTokens(['Cookie', value]).cookies).toEqual([]);
  });
});

describe('the tokens of a request', () => {
  it('are found in the header, as a bearer with our prefix, and in cookies, each in its order', () => {
    const raw = [
      'Cookie',
      'turnpike_access=c1; x=1; __Secure-turnpike_access=c2',
      'X402-ACCESS-TOKEN',
      'one',
      'Authorization',
      'bearer  tpk_two',
      'cookie',
      'turnpike_access=c3',
    ];
    expect(carriedTokens(raw)).toEqual({ explicit: ['one', 'tpk_two'], cookies: ['c1', 'c2', 'c3'] });
  });

  it.each([
    'Basic tpk_x',
    'Bearer other',
    'Bearertpk_x',
    'tpk_x',
    'Bearer xtpk_x',
    '',
  ])('leave %j to the API', (value) => {
    expect(isOwnBearer(value)).toBe(false);
    expect(carriedTokens(['Authorization', value]).explicit).toEqual([]);
  });
});

describe('the cookie for a browser', () => {
  it('is out of reach of scripts and other sites, and bound to the paths that it opens', () => {
    const cookie = { token: 'tpk_x', path: '/v1', tls: true, maxAgeSeconds: 60 };
    expect(tokenCookie(cookie)).toBe(
      '__Secure-turnpike_access=tpk_x; Path=/v1; Max-Age=60; HttpOnly; Secure; SameSite=Lax',
    );
    expect(tokenCookie({ ...cookie, tls: false, maxAgeSeconds: undefined })).toBe(
      'turnpike_access=tpk_x; Path=/v1; HttpOnly; Secure; SameSite=Lax',
    );
  });
});
