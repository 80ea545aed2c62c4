import { describe, expect, it } from 'vitest';
import { hostName, parseHost } from '../../../src/domain/host.ts';

describe('a Host header', () => {
  it.each([
    ['api.example.com', 'api.example.com', 'api.example.com'],
    ['API.Example.COM', 'api.example.com', 'api.example.com'],
    ['api.example.com:8402', 'api.example.com:8402', 'api.example.com'],
    ['localhost', 'localhost', 'localhost'],
    ['my_service:80', 'my_service:80', 'my_service'],
    ['127.0.0.1:8402', '127.0.0.1:8402', '127.0.0.1'],
    ['[::1]', '[::1]', '[::1]'],
    ['[2001:DB8::1]:443', '[2001:db8::1]:443', '[2001:db8::1]'],
    ['[::ffff:127.0.0.1]:1', '[::ffff:127.0.0.1]:1', '[::ffff:127.0.0.1]'],
    ['x', 'x', 'x'],
    ['xn--caf-dma.example', 'xn--caf-dma.example', 'xn--caf-dma.example'],
  ])('%s is read as %s, and routes see %s', (text, host, name) => {
    expect(parseHost(text)).toBe(host);
    expect(hostName(host)).toBe(name);
  });

  it('names the same host with and without the dot of a fully qualified name', () => {
    expect(hostName(parseHost('api.example.com.')!)).toBe('api.example.com');
    expect(hostName(parseHost('api.example.com.:8402')!)).toBe('api.example.com');
  });

  it.each([
    undefined,
    '',
    ' ',
    'a b',
    'a,b',
    'a@evil.example',
    'user:pass@a',
    'a/b',
    'a\\b',
    'a?b',
    'a#b',
    'a%2eb',
    'a:',
    'a..',
    'a..b',
    'a:b',
    'a:80:80',
    'a:123456',
    ':80',
    '.a',
    '-a',
    'a-',
    'a\tb',
    'a\r\nX: 1',
    'a\n',
    'a\u0000',
    'héllo',
    '\u212Aelvin',
    'ﬁ.example',
    '::1',
    '[::1',
    '::1]',
    '[::1]x',
    '[::1%25eth0]',
    '[g::1]',
    `${'a'.repeat(300)}`,
    '"a"',
    "a'b",
    'a;b',
    '$host',
    '<a>',
  ])('%j is no host', (text) => {
    expect(parseHost(text)).toBeUndefined();
  });

  it.each([
    'a:99999',
    '1.2.3.256',
    '[:::::]',
    '[..]',
    '999.1',
  ])('%s is no host: no resource URL could hold it', (text) => {
    expect(URL.canParse(`http://${text}/`)).toBe(false);
    expect(parseHost(text)).toBeUndefined();
  });
});
