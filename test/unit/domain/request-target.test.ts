import { describe, expect, it } from 'vitest';
import { canonicalizePath, parseRequestTarget } from '../../../src/domain/request-target.ts';

/** Ways to write a path that some server on the way reads as another one. */
const HOSTILE = {
  'empty segments': ['//', '//paid', '/a//paid', '/paid//', '///', '//evil.example/x', '/%2fpaid', '/a/%2F/b'],
  'dot segments': ['/.', '/..', '/./paid', '/paid/.', '/x/../paid', '/paid/..', '/a/./../b', '/../../etc/passwd'],
  'dot segments in escapes': [
    '/%2e',
    '/%2E%2E',
    '/%2e/paid',
    '/%2e%2e/paid',
    '/.%2e/paid',
    '/%2e./paid',
    '/x/%2E%2e/paid',
    '/paid/%2e',
  ],
  'encoded slashes and backslashes': [
    '/paid%2f',
    '/api%2freport%2f1',
    '/premium%2Fa',
    '/paid%5c',
    '/x%5C..%5Cpaid',
    '/a%5cb',
  ],
  backslashes: ['/\\paid', '\\paid', '/a\\b', '/\\\\evil', '/x/..\\paid', '/\\/paid'],
  'path parameters': ['/paid;', '/paid;x', '/paid;v=1/x', '/;/paid', '/..;/paid', '/paid%3b', '/paid%3Bx'],
  'control characters': [
    '/paid%00',
    '/%00paid',
    '/paid%0a',
    '/paid%0d%0aX:%201',
    '/paid%09',
    '/paid%1f',
    '/paid%7f',
    '/paid%C2%85',
    '/paid%c2%9b',
    '/paid\u0000',
    '/pa\tid',
    '/paid\n',
    '/paid\r',
    '/paid\u007f',
  ],
  'broken escapes': [
    '/%',
    '/paid%',
    '/paid%2',
    '/%zz',
    '/%2g',
    '/%u0041',
    '/%u002e%u002e/paid',
    '/% 20',
    '/%-1',
    '/%+1',
  ],
  'double encoding': [
    '/%2570aid',
    '/%252e%252e/paid',
    '/%252fpaid',
    '/%255c',
    '/%25252e',
    '/%25%32%65%25%32%65/paid',
    '/%252%65/paid',
    '/%25%32e/paid',
    '/%25%25%32e',
    '/paid%2500',
  ],
  'escapes that are not UTF-8': [
    '/%c0%ae%c0%ae/paid',
    '/%c0%af',
    '/%e0%80%af',
    '/%f0%80%80%af',
    '/%80',
    '/%ff',
    '/%c3',
    '/%c3%28',
    '/%ed%a0%80',
    '/%f5%80%80%80',
    '/%c1%81',
  ],
  'raw characters that have to be escaped': [
    '/a b',
    '/café',
    '/a"b',
    '/a<b>',
    '/a{b}',
    '/a^b',
    '/a`b',
    '/paid#x',
    '/#',
    '/．．/paid',
    '/\u2025/paid',
    '/\ud800',
  ],
  'no path at all': ['', 'paid', '*', '?x', '#', '.', '..', ' /paid', '%2fpaid', ':', '@/paid'],
  'other schemes': [
    'ftp://api.example/paid',
    'ws://api.example/paid',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:,x',
    'mailto:a@b',
    'http:/paid',
    'http:paid',
    'https//paid',
    'api.example:443',
  ],
  'absolute targets without a proper host': [
    'http://',
    'http:///paid',
    'http://user@api.example/paid',
    'http://user:secret@api.example/paid',
    'http://api.example\\@evil.example/paid',
    'http://api.example%40evil/paid',
    'http://a b/paid',
    'http://api.example:99999/paid',
    'http://api.example:/paid',
    'http://[::1/paid',
  ],
  'absolute targets with a hostile path': [
    'http://api.example//paid',
    'http://api.example/x/../paid',
    'http://api.example/%2e%2e/paid',
    'http://api.example/paid;x',
    'http://api.example/a\\b',
    'http://api.example#frag',
  ],
  'queries with raw characters': ['/a?b c', '/a?é', '/a?x#y', '/a?\u0000', '/a?x\ny', '/a?\u007f'],
};

describe('a request target that could be read in two ways', () => {
  const spellings = Object.entries(HOSTILE).flatMap(([kind, raws]) => raws.map((raw) => [kind, raw] as const));

  it('has many spellings, no two of them alike', () => {
    expect(new Set(spellings.map(([, raw]) => raw)).size).toBe(spellings.length);
    expect(spellings.length).toBeGreaterThan(100);
  });

  it.each(spellings)('is refused for %s: %j', (_, raw) => {
    const result = parseRequestTarget(raw);
    if (result.ok) expect.unreachable(`${JSON.stringify(raw)} became ${JSON.stringify(result.target)}`);
    expect(result.wrong).not.toBe('');
  });

  it('is told what is wrong without being repeated, so that an answer reflects nothing', () => {
    for (const [, raw] of spellings) {
      const result = parseRequestTarget(raw);
      if (!result.ok && raw.length > 4) expect(result.wrong).not.toContain(raw);
    }
  });
});

describe('the canonical path', () => {
  it.each([
    '/',
    '/paid',
    '/v1/weather/oslo',
    '/paid/',
    '/a%20b',
    '/caf%C3%A9',
    '/100%25',
    '/100%25/x',
    '/@user:x',
    "/a,b'c(d)!*",
    '/a+b=c&d$e',
    '/a%2Bb%3Dc%26d',
    '/~user/-_.txt',
    '/...',
    '/.well-known/x402',
    '/a..b/c.',
    '/%E2%82%AC/%F0%9F%92%B8',
    '/paid%20',
    '/PAID',
    '/a%3Fb%23c',
    '/:',
    '/*',
  ])('%s stays as it is', (path) => {
    expect(canonicalizePath(path)).toEqual({ ok: true, path });
  });

  it.each([
    ['/%70aid', '/paid'],
    ['/%70%61%69%64', '/paid'],
    ['/p%41id', '/pAid'],
    ['/%7Euser', '/~user'],
    ['/%2D%5F%2e%7e', '/-_.~'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/a%3fb', '/a%3Fb'],
    ['/a%5bb%5d', '/a%5Bb%5D'],
    ['/a[1]|b', '/a%5B1%5D%7Cb'],
    ['/%2e%2e%2e', '/...'],
    ['/x%2ey', '/x.y'],
  ])('of %s is %s', (raw, path) => {
    expect(canonicalizePath(raw)).toEqual({ ok: true, path });
  });
});

describe('a request target', () => {
  it.each([
    ['/', { path: '/', query: '', authority: undefined }],
    ['/a?b=c&d=%2e%2e/&e=//x\\', { path: '/a', query: '?b=c&d=%2e%2e/&e=//x\\', authority: undefined }],
    ['/a?', { path: '/a', query: '?', authority: undefined }],
    ['/a??x?y', { path: '/a', query: '??x?y', authority: undefined }],
    ['/?u=http://evil.example/', { path: '/', query: '?u=http://evil.example/', authority: undefined }],
    ['http://api.example/a?b', { path: '/a', query: '?b', authority: 'api.example' }],
    ['http://API.Example:8402/a', { path: '/a', query: '', authority: 'api.example:8402' }],
    ['HTTPS://api.example/%70aid', { path: '/paid', query: '', authority: 'api.example' }],
    ['http://api.example', { path: '/', query: '', authority: 'api.example' }],
    ['http://api.example?x=1', { path: '/', query: '?x=1', authority: 'api.example' }],
    ['http://[::1]:80/', { path: '/', query: '', authority: '[::1]:80' }],
  ])('%s is taken apart', (raw, target) => {
    expect(parseRequestTarget(raw)).toEqual({ ok: true, target });
  });
});
