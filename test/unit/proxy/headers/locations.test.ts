import { describe, expect, it } from 'vitest';
import { type PublicPlace, publishLocations } from '../../../../src/proxy/headers/locations.ts';

const PUBLIC = 'https://api.example.com';

function placeOf(changes: Partial<PublicPlace> & { readonly urls?: readonly string[] } = {}): PublicPlace {
  const { urls = ['http://127.0.0.1:8080'], ...others } = changes;
  const servers = urls.map((url) => {
    const { origin, pathname } = new URL(url);
    return { origin, basePath: pathname === '/' ? '' : pathname };
  });
  return { publicOrigin: PUBLIC, servers, host: undefined, rewrite: undefined, ...others };
}

function published(value: string, place: PublicPlace = placeOf(), name = 'Location'): string | undefined {
  const raw = ['X-Before', value, name, value];
  publishLocations(raw, place);
  expect(raw.slice(0, 3)).toEqual(['X-Before', value, name]);
  return raw[3];
}

describe('a location on the origin of the API', () => {
  it.each([
    ['http://127.0.0.1:8080/a/', `${PUBLIC}/a/`],
    ['http://127.0.0.1:8080', PUBLIC],
    ['http://127.0.0.1:8080?a=1', `${PUBLIC}?a=1`],
    ['//127.0.0.1:8080/a', `${PUBLIC}/a`],
    [
      'HTTP://127.0.0.1:8080/A?b=http://127.0.0.1:8080/#http://127.0.0.1:8080/',
      `${PUBLIC}/A?b=http://127.0.0.1:8080/#http://127.0.0.1:8080/`,
    ],
  ])('is on the public one for clients: %s', (value, expected) => {
    expect(published(value)).toBe(expected);
  });

  it.each([
    ['http://internal', 'http://internal:80/a'],
    ['http://internal', 'http://INTERNAL/a'],
    ['http://internal:80', '//Internal/a'],
    ['https://internal', 'https://internal:443/a'],
    ['http://[::1]:8080', 'http://[::1]:8080/a'],
    ['http://[::1]:8080', 'http://[0:0:0:0:0:0:0:1]:8080/a'],
    ['http://bücher.example', 'http://xn--bcher-kva.example/a'],
  ])('is found in every spelling: of %s, %s', (url, value) => {
    expect(published(value, placeOf({ urls: [url] }))).toBe(`${PUBLIC}/a`);
  });

  it('is that of any of its servers, and of the host that it is told to be', () => {
    const place = placeOf({ urls: ['http://10.0.0.1:8080', 'http://10.0.0.2:8080/base'], host: 'shop.internal' });
    expect(published('http://10.0.0.1:8080/a', place)).toBe(`${PUBLIC}/a`);
    expect(published('http://10.0.0.2:8080/base/a', place)).toBe(`${PUBLIC}/a`);
    expect(published('http://shop.internal/a', place)).toBe(`${PUBLIC}/a`);
  });

  it('loses the path that was put before it', () => {
    const place = placeOf({ urls: ['http://127.0.0.1:8080/base'] });
    expect(published('http://127.0.0.1:8080/base/a', place)).toBe(`${PUBLIC}/a`);
    expect(published('http://127.0.0.1:8080/base', place)).toBe(`${PUBLIC}/`);
    expect(published('http://127.0.0.1:8080/basement', place)).toBe(`${PUBLIC}/basement`);
    expect(published('/base/a?b=/base/c', place)).toBe('/a?b=/base/c');
    expect(published('/other', place)).toBe('/other');
  });
});

describe('a path below what a route is rewritten to', () => {
  it.each([
    ['/outer', '/inner', '/inner/a', '/outer/a'],
    ['/outer', '/inner', '/inner', '/outer'],
    ['/outer', '/inner', '/inner?a=/inner/b', '/outer?a=/inner/b'],
    ['/outer', '/inner', '/innermost', '/innermost'],
    ['/outer', '/inner', '/elsewhere', '/elsewhere'],
    ['/outer', '/inner', 'inner/a', 'inner/a'],
    ['/outer', '/', '/a', '/outer/a'],
    ['/outer', '/', '/', '/outer/'],
    ['/outer', '/', '/outer/a', '/outer/a'],
    ['/', '/inner', '/inner/a', '/a'],
    ['/', '/inner', '/inner', '/'],
    ['/', '/inner', '/a', '/a'],
    ['/inner/v1', '/inner', '/inner/a', '/inner/v1/a'],
  ])('from %s to %s: %s is %s for clients', (from, to, value, expected) => {
    const place = placeOf({ rewrite: { from, to } });
    expect(published(value, place)).toBe(expected);
    if (value.startsWith('/')) expect(published(`http://127.0.0.1:8080${value}`, place)).toBe(PUBLIC + expected);
  });

  it('is found below the path of the upstream', () => {
    const place = placeOf({ urls: ['http://127.0.0.1:8080/base'], rewrite: { from: '/outer', to: '/inner' } });
    expect(published('http://127.0.0.1:8080/base/inner/a', place)).toBe(`${PUBLIC}/outer/a`);
    expect(published('/base/inner/a', place)).toBe('/outer/a');
    expect(published('/inner/a', place)).toBe('/inner/a');
  });
});

describe('what is never touched', () => {
  it.each([
    'https://127.0.0.1:8080/a',
    'http://127.0.0.1/a',
    'http://127.0.0.1:80800/a',
    'http://127.0.0.1:8080.evil.example/a',
    'http://127.0.0.1:8080@evil.example/a',
    'http://user@127.0.0.1:8080/a',
    'http://user:8080@evil.example/a',
    'https://elsewhere.example/http://127.0.0.1:8080/',
    'ws://127.0.0.1:8080/a',
    'mailto:a@127.0.0.1',
    'http:127.0.0.1',
    'http://[::1',
    '',
    '../a',
    '?a=http://127.0.0.1:8080/',
    '#a',
    `${PUBLIC}/a`,
  ])('%j', (value) => {
    expect(published(value, placeOf({ rewrite: { from: '/outer', to: '/inner' } }))).toBe(value);
  });

  it('another field, whatever it holds', () => {
    for (const name of ['X-Location', 'Linked', 'Origin', 'Content-Type']) {
      expect(published('http://127.0.0.1:8080/a', placeOf(), name)).toBe('http://127.0.0.1:8080/a');
    }
  });
});

describe('the other fields that lead somewhere', () => {
  it('are in any case, and one as good as another', () => {
    for (const name of ['location', 'LOCATION', 'Content-Location', 'content-location']) {
      expect(published('http://127.0.0.1:8080/a', placeOf(), name)).toBe(`${PUBLIC}/a`);
    }
  });

  it('Link: each target, and no parameter', () => {
    const value =
      '<http://127.0.0.1:8080/a?page=2>; rel="next"; title="<http://127.0.0.1:8080/x>, \\"<y>", </inner/b>;rel=prev, <https://elsewhere.example/>';
    expect(published(value, placeOf({ rewrite: { from: '/outer', to: '/inner' } }), 'Link')).toBe(
      `<${PUBLIC}/a?page=2>; rel="next"; title="<http://127.0.0.1:8080/x>, \\"<y>", </outer/b>;rel=prev, <https://elsewhere.example/>`,
    );
  });

  it.each([
    ['5; url=http://127.0.0.1:8080/a', `5; url=${PUBLIC}/a`],
    ['0;URL="http://127.0.0.1:8080/a"', `0;URL="${PUBLIC}/a"`],
    ["3, url = '/inner/a'", "3, url = '/outer/a'"],
    ['5', '5'],
    ['5; url=https://elsewhere.example/', '5; url=https://elsewhere.example/'],
  ])('Refresh: %s', (value, expected) => {
    expect(published(value, placeOf({ rewrite: { from: '/outer', to: '/inner' } }), 'Refresh')).toBe(expected);
  });
});
