import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/config/duration.ts';
import { nearest } from '../../../src/config/nearest.ts';
import { parsePathPattern } from '../../../src/config/path-pattern.ts';
import { HEAD, planOf, problemsOf, warningsOf } from '../../support/config/load.ts';
import { UPSTREAM_TEST } from '../../support/upstream-certificate.ts';

const ROUTES = 'routes:\n  - {path: /a, price: $1}\n';
const withTop = (line: string): string => `${line}\n${HEAD}${ROUTES}`;
const withUpstream = (value: string): string => `${HEAD}${ROUTES}`.replace('http://127.0.0.1:8080', value);

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
  ])('reads %s', (given, ms) => {
    expect(parseDuration(given)).toEqual({ ok: true, value: ms });
  });

  it.each(['30', '0s', '-1s', '1.5s', '1w', '25d', '', ' 1s', '9999999h', '1e3ms'])('refuses %j', (given) => {
    expect(parseDuration(given).ok).toBe(false);
  });
});

describe('path patterns', () => {
  it('reads segments, parameters and the rest', () => {
    expect(parsePathPattern('/v1/:city/*')).toEqual({
      ok: true,
      value: {
        text: '/v1/:city/*',
        segments: [
          { kind: 'static', text: 'v1' },
          { kind: 'param', name: 'city' },
        ],
        rest: true,
      },
    });
  });

  it.each([
    ['/', [''], false],
    ['/a/', ['a', ''], false],
    ['/*', [], true],
    ['/%20', ['%20'], false],
  ])('reads %s', (given, texts, rest) => {
    expect(parsePathPattern(given)).toMatchObject({
      ok: true,
      value: { segments: texts.map((text) => ({ kind: 'static', text })), rest },
    });
  });

  const NEVER = [
    '',
    'a',
    '//',
    '//*',
    '/a//b',
    '/a//*',
    '/.',
    '/a/../b',
    '/%2e%2e/b',
    '/a%2Fb',
    '/a%5Cb',
    '/a%00',
    '/a;b',
    '/a\\b',
    '/a?b',
    '/a#b',
    '/a b',
    '/%',
    '/%zz',
    '/%c3%a9',
    '/%41',
    '/é',
    '/a*',
    '/*/a',
    '/a/*b',
    '/:',
    '/:a-b',
    '/:a/:a',
    '/:1',
  ];
  it.each(NEVER)('refuses %j, which could never match', (given) => {
    expect(parsePathPattern(given).ok).toBe(false);
  });

  it('says what the canonical spelling is', () => {
    expect(parsePathPattern('/%41%c3%a9')).toMatchObject({ ok: false, right: '/A%C3%A9' });
  });
});

describe('addresses and URLs', () => {
  it.each([
    ['"[::1]:8402"', { kind: 'tcp', host: '::1', port: 8402 }],
    ['localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
    ['unix:/run/turnpike.sock', { kind: 'unix', path: '/run/turnpike.sock' }],
  ])('listens on %s', (given, address) => {
    expect(planOf(withTop(`listen: ${given}`)).listen).toEqual(address);
  });

  it.each([
    '8402',
    '":8402"',
    '1.2.3:80',
    '256.1.1.1:80',
    '127.0.0.1:65536',
    '"[::g]:1"',
    '"::1:80"',
    'http://a:80',
  ])('does not listen on %s', (given) => {
    expect(problemsOf(withTop(`listen: ${given}`))).toHaveLength(1);
  });

  it.each([
    ['', 'http://127.0.0.1:9402'],
    ['', 'http://localhost:9402/base'],
    ['admin: 0.0.0.0:9000', 'http://127.8.8.8:9000'],
    ['admin: unix:/run/admin.sock', 'unix:/run/admin.sock'],
  ])('forwards nothing to the admin pages: with %j not to %s', (line, url) => {
    const file = withUpstream(url).replace('routes:', `${line}\nroutes:`);
    expect(problemsOf(file)).toEqual([expect.stringContaining('is the admin listener')]);
  });

  it.each([
    ['', 'http://localhost:8402'],
    ['listen: "[::]:8402"', 'http://[::1]:8402'],
    ['listen: 10.0.0.7:80', 'http://10.0.0.7'],
  ])('warns of what would come back for ever: with %j to %s', (line, url) => {
    const file = withUpstream(url).replace('routes:', `${line}\nroutes:`);
    expect(warningsOf(file).map(({ wrong }) => wrong)).toEqual([expect.stringContaining('is the gateway itself')]);
  });

  it.each([
    ['', 'http://127.0.0.1:8403'],
    ['', 'http://10.0.0.7:9402'],
    ['', 'http://[::1]:8402'],
    ['listen: 10.0.0.7:8402', 'http://127.0.0.1:8402'],
    ['admin: off', 'http://127.0.0.1:9402'],
  ])('forwards to others: with %j to %s', (line, url) => {
    expect(problemsOf(withUpstream(url).replace('routes:', `${line}\nroutes:`))).toEqual([]);
  });

  it('forwards a rewritten path to another route of its own, and never to the admin pages', () => {
    const route = (url: string) =>
      `${HEAD}routes:\n  - {path: /a, price: $1, upstream: "${url}", rewrite: {from: /a, to: /b}}\n`;
    expect(problemsOf(route('http://127.0.0.1:8402'))).toEqual([]);
    expect(problemsOf(route('http://127.0.0.1:9402'))).toEqual([expect.stringContaining('routes[0].upstream')]);
  });

  it('keeps the admin pages off the public address', () => {
    expect(problemsOf(withTop('listen: 0.0.0.0:9402'))).toEqual([
      expect.stringContaining('listen has the same address'),
    ]);
  });

  it.each([
    'https://api.example.com/v1',
    'https://u:p@api.example.com',
    'ftp://a.example',
    'api.example.com',
    'https://a.example?x',
    'https://a b',
  ])('refuses the public URL %s', (given) => {
    expect(problemsOf(withTop(`publicUrl: "${given}"`))).toHaveLength(1);
  });

  it('takes a public URL with a trailing slash as an origin', () => {
    expect(planOf(withTop('publicUrl: https://API.example.com:443/')).publicUrl).toBe('https://api.example.com');
  });

  it('reserves a quarter of the connections of an upstream for paid calls, or a configured number, but never all', () => {
    const connections = (keys: string): string => withUpstream(`{ url: "http://127.0.0.1:8080", ${keys} }`);
    const kept = (text: string): unknown => planOf(text).routes[0]?.upstream.paidConnections;
    expect(kept(withUpstream('http://127.0.0.1:8080'))).toBe(128);
    expect(kept(connections('connections: 10'))).toBe(2);
    expect(kept(connections('connections: 1'))).toBe(0);
    expect(kept(connections('connections: 10, paidConnections: 9'))).toBe(9);
    expect(problemsOf(connections('connections: 10, paidConnections: 10'))).toEqual([
      expect.stringContaining('upstream.paidConnections: of 10 connections none is left for free calls'),
    ]);
  });

  it('keeps the base path of an upstream', () => {
    const plan = planOf(withUpstream('"http://127.0.0.1:8080/base/v2/"'));
    expect(plan.routes[0]?.upstream).toMatchObject({
      servers: [{ origin: 'http://127.0.0.1:8080', basePath: '/base/v2' }],
    });
  });

  it('takes a client certificate with its key, and refuses one without the other or with another', () => {
    const { cert, key } = UPSTREAM_TEST;
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    });
    const files = { '/cert': cert, '/key': key, '/other': other.toString(), '/none': 'no key' };
    const tls = (keys: string): string => withUpstream(`{url: "https://a.example", tls: {${keys}}}`);
    const both = `cert: "\${file:/cert}", key: "\${file:/key}"`;
    expect(planOf(tls(both), { files }).routes[0]?.upstream.tls?.identity).toEqual({ cert, key });
    for (const [keys, wrong] of [
      [`cert: "\${file:/cert}"`, 'a certificate without its key'],
      [`key: "\${file:/key}"`, 'a key without its certificate'],
      [`cert: "\${file:/cert}", key: "\${file:/other}"`, 'the key is not that of the certificate'],
      [`cert: "\${file:/cert}", key: "\${file:/none}"`, 'not of the right form'],
    ])
      expect(problemsOf(tls(keys ?? ''), { files })).toEqual([expect.stringContaining(wrong ?? '')]);
  });

  it('takes a list of servers, each with its own base path, in the short and the long form', () => {
    const servers = [
      { origin: 'http://a.example', basePath: '' },
      { origin: 'http://b.example:81', basePath: '/v2' },
    ];
    for (const form of [
      '["http://a.example/", "http://b.example:81/v2"]',
      '{url: [http://a.example, http://b.example:81/v2]}',
    ])
      expect(planOf(withUpstream(form)).routes[0]?.upstream).toMatchObject({ servers, connectTimeoutMs: 10_000 });
  });

  it('takes a unix socket as a server, by its absolute path and without a list of its own', () => {
    const servers = [{ origin: 'http://localhost', basePath: '', socketPath: '/run/api.sock' }];
    for (const form of ['unix:/run/api.sock', '[unix:/run/api.sock]', '{url: unix:/run/api.sock}'])
      expect(planOf(withUpstream(form)).routes[0]?.upstream).toMatchObject({ servers });
    for (const [form, wrong] of [
      ['unix:./api.sock', '"./api.sock" is not the absolute path of a socket'],
      ['unix:api.sock', '"api.sock" is not the absolute path of a socket'],
      ['unix:/run/', '"/run/" is not the absolute path of a socket'],
      ['"unix:/run/api.sock:/base"', '"/run/api.sock:/base" is not the absolute path of a socket'],
      ['unix:///run/api.sock', 'unix:///run/api.sock is no URL, expected unix:/run/api.sock'],
      [`unix:/${'a'.repeat(100)}`, 'the path of the socket is over 100 bytes'],
      ['[unix:/run/api.sock, unix:/run/api.sock]', 'the server unix:/run/api.sock is listed twice'],
      ['{url: unix:/run/api.sock, tls: {serverName: a.example}}', 'an http upstream has no tls'],
    ])
      expect(problemsOf(withUpstream(form ?? ''))).toEqual([expect.stringContaining(wrong ?? '')]);
  });

  it('sends an API the host of its configured headers, which must be a host name with or without a port', () => {
    const named = (host: string): string => withUpstream(`{url: "http://127.0.0.1", headers: {Host: "${host}"}}`);
    for (const host of ['api.internal', 'api.internal:8080', '[::1]:80'])
      expect(planOf(named(host)).routes[0]?.upstream.headers).toEqual([['host', host]]);
    for (const host of ['http://api.internal', 'a b', 'a/b', 'a,b', 'a@b'])
      expect(problemsOf(named(host))).toEqual([expect.stringContaining('the value of host is not a host name')]);
  });

  it('refuses an empty list of servers, an invalid server, and one that is listed twice', () => {
    expect(problemsOf(withUpstream('[]'))).toEqual([expect.stringContaining('the list is empty')]);
    expect(problemsOf(withUpstream('[http://a.example, ftp://b.example]'))).toEqual([
      expect.stringContaining('ftp://b.example'),
    ]);
    expect(problemsOf(withUpstream('{url: [http://a.example, "http://a.example/"]}'))).toEqual([
      expect.stringContaining('the server http://a.example is listed twice'),
    ]);
  });

  it('has no limits on a body and on the whole of an exchange unless the file sets them', () => {
    const none = { timeoutMs: 30_000, idleTimeoutMs: undefined, totalTimeoutMs: undefined };
    for (const form of ['http://a.example', '[http://a.example]', '{url: http://a.example}'])
      expect(planOf(withUpstream(form)).routes[0]?.upstream).toMatchObject(none);
    const set = withUpstream('{url: http://a.example, connectTimeout: 1s, idleTimeout: 2s, totalTimeout: 3m}');
    const limits = { connectTimeoutMs: 1000, idleTimeoutMs: 2000, totalTimeoutMs: 180_000 };
    expect(planOf(set).routes[0]?.upstream).toMatchObject(limits);
  });

  it.each([
    'http://127.0.0.1/a//b',
    'http://127.0.0.1/a/../b',
    'http://127.0.0.1/%2e',
    'http://127.0.0.1/?q',
    '"{url: 1}"',
    '127.0.0.1:80',
  ])('refuses the upstream %s', (given) => {
    expect(problemsOf(withUpstream(`"${given.replaceAll('"', '')}"`))).toHaveLength(1);
  });

  it('refuses tls for an http upstream and an invalid certificate', () => {
    expect(problemsOf(withUpstream('{url: "http://127.0.0.1", tls: {serverName: a.example}}'))).toEqual([
      expect.stringContaining('an http upstream has no tls'),
    ]);
    expect(problemsOf(withUpstream('{url: "https://127.0.0.1", tls: {ca: abc}}'))).toEqual([
      expect.stringContaining('no PEM certificate'),
    ]);
  });

  it.each([
    'te: trailers',
    'Content-Length: "1"',
    'X402-Payer: x',
    'x-a: "a\\nb"',
    '"x a": b',
  ])('refuses the header %s', (header) => {
    expect(problemsOf(withUpstream(`{url: "http://127.0.0.1", headers: {${header}}}`))).toHaveLength(1);
  });

  it.each([
    ['API.Example.com', 'api.example.com'],
    ['b\u00fccher.example', 'xn--bcher-kva.example'],
    ['api.example.com:8443', 'api.example.com'],
    ['api.example.com.', 'api.example.com'],
    ['"*.example.com"', 'a lower-case host name without port, such as api.example.com'],
  ])('says how clients send the host %s', (host, right) => {
    const [problem = '', ...more] = problemsOf(`${HEAD}routes:\n  - {path: /a, price: $1, host: ${host}}\n`);
    expect([problem.replace(/.*, expected /, ''), more]).toEqual([right, []]);
  });

  it('says how clients ask for a public URL of other letters', () => {
    const [problem = ''] = problemsOf(withTop('publicUrl: https://b\u00fccher.example:8443'));
    expect(problem).toMatch(/, expected https:\/\/xn--bcher-kva\.example:8443$/);
  });

  it('believes forwarding headers of CIDR blocks only', () => {
    expect(planOf(withTop('trustedProxies: [10.0.0.0/8, 192.0.2.1, "2001:db8::/32"]')).trustedProxies).toEqual([
      '10.0.0.0/8',
      '192.0.2.1/32',
      '2001:db8::/32',
    ]);
  });

  it.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0/8',
    '010.0.0.0/8',
    '10.0.0.0/8/8',
    'localhost',
    '"::1/129"',
  ])('refuses to trust %s', (block) => {
    expect(problemsOf(withTop(`trustedProxies: [${block}]`))).toHaveLength(1);
  });

  it('warns of trusting everybody, of a facilitator without TLS and of one that redirects', () => {
    const text = withTop('trustedProxies: [0.0.0.0/0]').replace(
      'https://facilitator.example',
      '[http://f.example, https://x402.org/facilitator]',
    );
    expect(warningsOf(text)).toHaveLength(3);
  });

  it.each([
    'API.example.com',
    'a.example:80',
    '"*.example.com"',
    '-a.example',
    'a..b',
  ])('refuses the host %s', (host) => {
    expect(problemsOf(`${HEAD}routes:\n  - {path: /a, price: $1, host: ${host}}\n`)).toHaveLength(1);
  });

  it.each(['CONNECT', 'TRACE', 'get', 'FETCH', 'GET, GET'])('refuses the method %s', (method) => {
    expect(problemsOf(`${HEAD}routes:\n  - {path: /a, price: $1, methods: [${method}]}\n`)).toHaveLength(1);
  });

  it.each([
    ['bodyBytes: 1 MB', '1MB'],
    ['bodyBytes: 2MiB', '2MB'],
    ['headerBytes: 32k', '32KB'],
    ['pricedBodyBytes: 64kb', '64KB'],
    ['keptAnswersInStore: 2GB', '2048MB'],
    ['bodiesInMemory: 512 bytes', '512'],
    ['headerBytes: 1KB', 'at least 8KB'],
    ['paymentHeaderBytes: 1MB', 'at most 64KB'],
    ['bodyBytes: lots', 'a size such as 64KB, 1MB or a number of bytes'],
  ])('says how to write the size %s', (given, right) => {
    expect(problemsOf(withTop(`limits: {${given}}`))).toEqual([
      expect.stringMatching(new RegExp(`expected ${right}$`)),
    ]);
  });

  it.each([
    ['admin: no', 'off'],
    ['admin: false', 'off'],
    ['enforce: false', 'off'],
    ['paywall: yes', 'on'],
    ['paywall: "true"', 'on'],
    ['keepAnswers: No', 'off'],
  ])('says the word that is meant: %s', (given, right) => {
    expect(problemsOf(withTop(given))).toEqual([expect.stringMatching(new RegExp(`expected ${right}$`))]);
  });

  it('refuses limits that leave no room for a payment header', () => {
    expect(problemsOf(withTop('limits: {paymentHeaderBytes: 30000}'))).toEqual([
      expect.stringContaining('leave no room'),
    ]);
    expect(planOf(withTop('limits: {paymentHeaderBytes: 4KB, headerBytes: 16KB}')).limits).toMatchObject({
      paymentHeaderBytes: 4096,
      headerBytes: 16_384,
    });
  });
});

describe('the suggested value', () => {
  it.each([
    ['hello', '/hello'],
    ['hello*', '/hello/* for /hello and everything below it'],
    ['/hello*', '/hello/* for /hello and everything below it'],
    ['/**', '/* for / and everything below it'],
    ['/a*b/*', 'a path such as /v1/weather/:city or /v1/reports/*'],
    ['"/a/{id}/b"', '/a/:id/b'],
    ['/a/<id>/*', '/a/:id/*'],
    ['/a/<id>.json', '/a/{id}.json'],
    ['"/a/:id:run"', '{id}:run'],
    ['"/a/{id}/b.{format}"', '/a/:id/b.{format}'],
    ['"/a/%7e{id}"', '~{id}'],
    ['"/a/{1}.json"', 'a segment such as report.{format}'],
    ['"/a/{from}-{to}"', 'a path such as /v1/weather/:city'],
    ['/a?x=1', '/a'],
    ['http://api.example.com/a', '/a, and the host under the key host'],
  ])('for the path %s is %s', (given, right) => {
    expect(problemsOf(`${HEAD}routes:\n  - {path: ${given}, price: $1}\n`)).toEqual([
      expect.stringContaining(`, expected ${right}`),
    ]);
  });

  it.each([
    ['listen: 8402', '127.0.0.1:8402 for this machine alone, 0.0.0.0:8402 for all'],
    ['admin: :9402', '127.0.0.1:9402 for this machine alone, 0.0.0.0:9402 for all'],
    ['listen: 127.0.0.1', 'an address and port such as 0.0.0.0:8402 or [::1]:8402'],
    ['facilitator: localhost:4021', 'http://localhost:4021'],
    ['facilitator: facilitator.example/', 'https://facilitator.example'],
    ['facilitator: facilitator', 'a facilitator URL such as https://facilitator.payai.network'],
  ])('for %s is %s', (line, right) => {
    const key = line.replace(/:.*/, '');
    const rest = `${HEAD}${ROUTES}`.replace(new RegExp(`^${key}: .*\n`, 'm'), '');
    expect(problemsOf(`${line}\n${rest}`)).toEqual([expect.stringContaining(`, expected ${right}`)]);
  });
});

describe('descriptions', () => {
  const described = (value: string): string =>
    `${HEAD}routes:\n  - path: /a\n    price: $1\n    description: ${value}\n`;

  it('takes a folded text without its trailing line break', () => {
    expect(planOf(described('>\n      two\n      words')).routes[0]?.prices[0]?.description).toBe('two words');
  });

  it.each([JSON.stringify('a\nb'), JSON.stringify('a\u0007'), 'x'.repeat(501)])('refuses %j', (value) => {
    expect(problemsOf(described(value))).toHaveLength(1);
  });
});

describe('the nearest known word', () => {
  it.each([
    ['prise', 'price'],
    ['pirce', 'price'],
    ['methds', 'methods'],
    ['xyz', undefined],
    ['p'.repeat(10_000), undefined],
  ])('of %s is %s', (word, meant) => {
    expect(nearest(word, ['path', 'price', 'methods', 'payTo'])).toBe(meant);
  });
});
