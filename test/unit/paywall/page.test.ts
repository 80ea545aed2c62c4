import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { brandStyle } from '../../../src/paywall/brand-style.ts';
import { Paywall } from '../../../src/paywall/paywall.ts';
import { planOf } from '../../support/gateway.ts';
import { buildPages } from '../../support/pages/build.ts';

const TOP = `
upstream: http://127.0.0.1:1
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base]
store: memory
facilitator: https://facilitator.example
`;

async function pageOf(
  route: string,
  paywall = 'on',
  code: 'payment_required' | 'access_token_expired' = 'payment_required',
) {
  const plan = await planOf(`${TOP}paywall: ${paywall}\nroutes:\n  - ${route}`);
  const [first] = plan.routes[0]?.prices ?? [];
  if (first?.kind !== 'priced' || plan.paywall === undefined) throw new Error('not priced');
  const tools = { networkName: () => 'base', clock: () => 1_700_000_000_000 };
  const headers = { accept: 'text/html' };
  const subject = {
    code,
    price: first,

    resourceUrl: 'https://x.example/a',
    paidBefore: false,
  };
  const page = new Paywall(plan.paywall, tools).page({ method: 'GET', headers, paying: false }, subject);
  if (page === undefined) throw new Error('no page');
  return page;
}

describe('the page on which people pay', () => {
  it('is small: one document under 100 KB, with the largest logo that is taken', async () => {
    const plain = await pageOf('{ path: /a, price: $0.05 }');
    expect(Buffer.byteLength(plain.html)).toBeLessThan(40_000);
    const logo = `data:image/png;base64,${'A'.repeat(39_900)}`;
    const largest = await pageOf('{ path: /a, price: $0.05 }', `{ logo: "${logo}" }`);
    expect(Buffer.byteLength(largest.html)).toBeLessThan(100_000);
  });

  it('states the money first, then the token and the network', async () => {
    const { html } = await pageOf('{ path: /a, price: $0.05, description: An article }');
    expect(html).toContain('<title>$0.05 · x.example</title>');
    expect(html.indexOf('>$0.05<')).toBeGreaterThan(html.indexOf('An article'));
    expect(html).toContain('0.05 USDC');
    expect(html).toContain('on Base');
  });

  it('says what a pass is good for, and that one has ended', async () => {
    const route = '{ path: /a, price: $0.05, access: { for: 24h, requests: 1000 } }';
    const { html } = await pageOf(route, 'on', 'access_token_expired');
    expect(html).toContain('Opens it for 24 hours or 1,000 requests, whichever ends first.');
    expect(html).toContain('Your access has ended.');
  });

  it('escapes whatever comes from outside', async () => {
    const evil = `</script><img src=x onerror=alert(1)>"'&`;
    const { html } = await pageOf(
      `{ path: /a, price: $0.05, description: ${JSON.stringify(evil)} }`,
      `{ title: ${JSON.stringify(evil)} }`,
    );
    expect(html).not.toContain('<img');
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html.match(/<\/script>/g)).toHaveLength(2);
  });

  it('says when a price cannot be paid from a browser', async () => {
    const { html } = await pageOf(
      '{ path: /a, price: 0.05 TOK, accepts: [{ network: base, asset: { address: "0x4200000000000000000000000000000000000042", decimals: 18, name: Tok, version: "1", symbol: TOK, transferMethod: permit2 } }] }',
    ).catch(() =>
      pageOf(
        '{ path: /a, price: { amount: "5", asset: { address: "0x4200000000000000000000000000000000000042", decimals: 18, name: Tok, version: "1", transferMethod: permit2 } } }',
      ),
    );
    expect(html).toContain('This price cannot be paid from a browser.');
  });

  it('runs and loads only what its policy names, and cannot be framed', async () => {
    const { headers } = await pageOf('{ path: /a, price: $0.05 }', '{ logo: /logo.svg }');
    const policy = headers[headers.indexOf('Content-Security-Policy') + 1] ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+' 'sha256-[^']+'; img-src data: 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(headers).toContain('X-Frame-Options');
  });

  it.each([
    '#000000',
    '#ffffff',
    '#808080',
    '#767676',
    '#ff0000',
    '#00ff00',
    '#0000ff',
    '#ffff00',
  ])('has a text on a button in %s that can be read', (colour) => {
    expect(contrastOf(brandStyle(colour))).toBeGreaterThanOrEqual(4.5);
  });

  it('is built from the sources that are committed with it', async () => {
    for (const { path, content } of await buildPages()) {
      const committed = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
      expect(committed === content, `${path} is out of date: npm run pages`).toBe(true);
    }
  });
});

/** The contrast of text and button, by the definition of WCAG 2.2. */
function contrastOf(style: string): number {
  const [, brand = '', ink = ''] = /--brand:#(\w{6});--on-brand:#(\w{3})/.exec(style) ?? [];
  const light = (hex: string): number => {
    const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
      const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [less = 0, more = 0] = [light(brand), light(ink.replace(/./g, '$&$&'))].sort((a, b) => a - b);
  return (more + 0.05) / (less + 0.05);
}
