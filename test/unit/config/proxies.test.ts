import { describe, expect, it } from 'vitest';
import { describeProxies } from '../../../src/config/compile-proxies.ts';
import { proxyOf, readProxyEnvironment } from '../../../src/config/proxy-environment.ts';
import { planOf, problemsOf, route } from '../../support/config/load.ts';

const TEXT = `${route('price: $0.001')}webhooks: [{ url: "https://hooks.example/a", secret: "0123456789abcdef" }]\n`;

function through(url: string, env: Readonly<Record<string, string>>): string | undefined {
  const { proxies, wrong } = readProxyEnvironment(env);
  expect(wrong).toEqual([]);
  return proxyOf(url, proxies);
}

describe('the proxies of the environment', () => {
  it('are chosen by the scheme of the URL, the lower-case spelling first', () => {
    const env = { HTTPS_PROXY: 'http://s.example:1', HTTP_PROXY: 'p.example:2', http_proxy: 'https://q.example:3' };
    expect(through('https://a.example/', env)).toBe('http://s.example:1/');
    expect(through('http://a.example/', env)).toBe('https://q.example:3/');
    expect(through('http://a.example/', { HTTP_PROXY: 'p.example:2' })).toBe('http://p.example:2/');
    expect(through('https://a.example/', { HTTP_PROXY: 'p.example:2', HTTPS_PROXY: ' ' })).toBeUndefined();
  });

  it.each([
    'http://localhost:1',
    'http://api.localhost',
    'http://127.0.0.1',
    'http://127.9.9.9',
    'http://[::1]:80',
    'http://[::ffff:127.0.0.1]',
    'http://0.0.0.0',
  ])('are never used for this machine: %s', (url) => {
    expect(through(url, { HTTP_PROXY: 'p.example:1' })).toBeUndefined();
  });

  it.each([
    ['*', 'https://a.example', true],
    ['a.example', 'https://a.example', true],
    ['a.example', 'https://b.a.example', true],
    ['a.example', 'https://ba.example', false],
    ['.a.example', 'https://b.a.example', true],
    ['*.a.example', 'https://b.a.example', true],
    ['a.example:443', 'https://a.example', true],
    ['a.example:8443', 'https://a.example', false],
    ['x, A.Example y', 'https://a.example:8443', true],
    ['10.0.0.0/8', 'https://10.1.2.3', true],
    ['10.0.0.0/8', 'https://11.1.2.3', false],
    ['10.1.2.3', 'https://10.1.2.3', true],
    ['fd00::/8', 'https://[fd00::1]', true],
    ['[fd00::1]', 'https://[fd00::1]', true],
    ['fd00::1', 'https://[fd00::1]', true],
    ['10.0.0.0/99, nonsense/', 'https://10.1.2.3', false],
  ])('are not used for hosts in NO_PROXY: %s, %s', (except, url, direct) => {
    expect(through(url, { HTTPS_PROXY: 'p.example:1', NO_PROXY: except }) === undefined).toBe(direct);
  });

  it('that are invalid are reported without their password', () => {
    for (const given of ['socks5://u:pass@p.example', 'http://', 'u:pass@@:1:2']) {
      const problems = problemsOf(TEXT, { env: { HTTPS_PROXY: given } });
      expect(problems).toEqual([expect.stringContaining('HTTPS_PROXY names no http or https proxy')]);
      expect(problems.join()).not.toContain('pass');
    }
  });

  it('are not shown with public nodes of networks on which nothing is sold', () => {
    const [shown = ''] = describeProxies(planOf(TEXT, { env: { HTTPS_PROXY: 'http://p.example:3128' } }));
    const [hosts = ''] = shown.split(': asked');
    expect(hosts).not.toContain('solana');
    expect(hosts.split(', ').length).toBeLessThan(6);
  });

  it('are shown with the hosts asked through them, without credentials or paths', () => {
    const plan = planOf(TEXT, { env: { HTTPS_PROXY: 'http://u:pass@p.example:3128' } });
    expect(describeProxies(plan)).toEqual([
      expect.stringMatching(
        /^facilitator\.example, .*hooks\.example: asked through the proxy http:\/\/p\.example:3128 /,
      ),
    ]);
    expect(describeProxies(plan).join()).not.toMatch(/pass|\/a\b/);
    expect(plan.proxies.get('https://hooks.example/a')).toBe('http://u:pass@p.example:3128/');
    expect(describeProxies(planOf(TEXT))).toEqual([]);
  });
});
