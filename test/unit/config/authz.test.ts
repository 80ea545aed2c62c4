import { describe, expect, it } from 'vitest';
import { differenceOf } from '../../../src/config/difference.ts';
import { builtIn } from '../../../src/registry.ts';
import { explainRequest } from '../../../src/server/explain/explanation.ts';
import { load } from '../../support/config/load.ts';

const TOP = `payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base]
facilitator: https://facilitator.example
`;
const ASKED = `${TOP}authz: nginx
trustedProxies: [10.0.0.1]
settle: before
`;

function problemsOf(text: string): readonly string[] {
  const loaded = load(text);
  return loaded.ok ? [] : loaded.problems.map(({ keyPath, wrong }) => `${keyPath}: ${wrong}`);
}

describe('a file with authz', () => {
  it('needs no upstream, and publishes no page or document of its own', () => {
    const loaded = load(`${ASKED}unmatched: pass\nroutes: [{ path: /a, price: $1 }]\n`);
    if (!loaded.ok) throw new Error(loaded.problems.map(({ wrong }) => wrong).join());
    const { plan } = loaded;
    expect(plan).toMatchObject({ authz: 'nginx', discovery: undefined, paywall: undefined });
    expect(plan.routes.map(({ upstream }) => upstream.servers)).toEqual([[]]);
  });

  it('is explained without a destination', async () => {
    const loaded = load(`${ASKED}routes: [{ path: /a, price: $1 }]\n`);
    if (!loaded.ok) throw new Error(loaded.problems.map(({ wrong }) => wrong).join());
    const imagined = { method: 'GET', target: '/a', host: 'shop.example', headers: [], body: undefined };
    expect(await explainRequest(loaded.plan, builtIn, imagined)).toMatchObject({
      kind: 'matched',
      route: { upstream: 'none: the proxy that asks forwards' },
      destination: { url: 'none: the proxy that asks forwards', alternatives: [] },
    });
  });

  it('is warned of a free twin of a priced path, as one with an upstream is', () => {
    const loaded = load(`${ASKED}unmatched: pass\nroutes: [{ path: /a, price: $1 }]\n`);
    expect(loaded.ok && loaded.warnings.map(({ keyPath }) => keyPath)).toContain('unmatched');
  });

  it.each([
    ['trusts nobody', `${TOP}authz: envoy\nsettle: before\n`, 'price: $1', 'authz: nobody may ask'],
    ['charges after the answer', `${TOP}authz: envoy\ntrustedProxies: [unix]\n`, 'price: $1', 'authz: /a is settled'],
    ['has an upstream', `${ASKED}upstream: http://127.0.0.1:1\n`, 'price: $1', 'upstream: upstream has no effect'],
    ['has a page', `${ASKED}paywall: on\n`, 'price: $1', 'paywall: with authz the gateway publishes nothing'],
    ['has documents', `${ASKED}discovery: { title: a }\n`, 'price: $1', 'discovery: with authz'],
    ['keeps answers', ASKED, 'price: $1, keepAnswers: { size: 1KB }', 'routes[0].keepAnswers: keepAnswers has no'],
    ['rewrites', ASKED, 'price: $1, rewrite: { from: /a, to: /b }', 'routes[0].rewrite: rewrite has no effect'],
    [
      'prices by the body',
      ASKED,
      'prices: [{ when: { json: { /model: big } }, price: $2 }, { price: $1 }]',
      'depends on the body',
    ],
  ])('is refused where it %s', (_what, top, route, problem) => {
    expect(problemsOf(`${top}routes: [{ path: /a, ${route} }]\n`)).toEqual([expect.stringContaining(problem)]);
  });

  it('is not put in force by a reload', () => {
    const [old, next] = [ASKED, ASKED.replace('nginx', 'caddy')].map((top) => {
      const loaded = load(`${top}routes: [{ path: /a, price: $1 }]\n`);
      if (!loaded.ok) throw new Error('the file is not sound');
      return loaded.plan;
    });
    if (old === undefined || next === undefined) throw new Error('two plans');
    expect(differenceOf(old, next)).toMatchObject([{ what: 'authz', from: 'nginx', to: 'caddy' }]);
  });
});
