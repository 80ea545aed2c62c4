import { describe, expect, it } from 'vitest';
import { HEAD, warningsOf } from '../../support/config/load.ts';

/** A sound file with these routes, one flow map each. */
function withRoutes(top: string, ...routes: string[]): string {
  return `${top}\n${HEAD}routes:\n${routes.map((route) => `  - {${route}}\n`).join('')}`;
}

function warned(top: string, ...routes: string[]): string[] {
  return warningsOf(withRoutes(top, ...routes)).map(({ keyPath, wrong }) => `${keyPath}: ${wrong}`);
}

describe('a priced path beside something free', () => {
  it.each([
    ['a free /*', '', 'path: "/*", price: free', 'routes[1].path'],
    ['unmatched: pass', 'unmatched: pass', 'path: /healthz, price: free', 'unmatched'],
  ])('is warned of where an API that ignores a final slash would serve it free: %s', (_name, top, other, place) => {
    expect(warned(top, 'path: /v1/a, price: $1', other)).toEqual([
      `${place}: an API that ignores case or a final slash serves /v1/a free of charge as /v1/a/`,
    ]);
  });

  it('is warned of where an API that ignores case would serve it free', () => {
    expect(warned('', 'path: "/v1/*", price: $1', 'path: "/*", price: free')).toEqual([
      'routes[1].path: an API that ignores case or a final slash serves /v1/* free of charge as /V1/REST',
    ]);
  });

  it('is warned of once for all routes with the same cause', () => {
    const routes = Array.from({ length: 50 }, (_, index) => `path: /v1/${index}, price: $1`);
    const [warning, ...others] = warned('unmatched: pass', ...routes);
    expect(others).toEqual([]);
    expect(warning).toMatch(/^unmatched: .*; the same holds for 49 more$/);
  });

  it('is fine where nothing else of its API is free', () => {
    expect(warned('', 'path: /v1/a, price: $1', 'path: /healthz, price: free')).toEqual([]);
    expect(warned('', 'path: /v1/a, price: $1', 'path: "/*", price: $2')).toEqual([]);
    const elsewhere = 'path: "/*", price: free, upstream: "http://127.0.0.1:9"';
    expect(warned('', 'path: /v1/a, price: $1', elsewhere)).toEqual([]);
  });
});

describe('a priced host', () => {
  it('is warned of where a client that names another gets the path free', () => {
    expect(warned('unmatched: pass', 'path: "/*", host: a.example, price: $1')).toEqual([
      'unmatched: a client that sends another Host than a.example gets /rest free of charge',
    ]);
    expect(warned('', 'path: "/*", host: a.example, price: $1')).toEqual([]);
  });
});

describe('settle: after', () => {
  it('is warned of for unsafe methods, where it is written', () => {
    const hangsUp = expect.stringContaining('a client that hangs up before the answer');
    expect(warned('', 'path: /a, methods: [GET, POST], price: $1')).toEqual([hangsUp]);
    const [own] = warningsOf(withRoutes('settle: before', 'path: /a, methods: [POST], price: $1, settle: after'));
    expect(own).toMatchObject({ keyPath: 'routes[0].settle', right: expect.stringMatching(/^before/) });
  });

  it.each([
    'methods: [POST], settle: before',
    'methods: [PUT], idempotent: true',
    'methods: [GET]',
  ])('is fine with %s', (keys) => {
    expect(warned('', `path: /a, price: $1, ${keys}`)).toEqual([]);
  });
});

describe('store: memory', () => {
  it('is warned of where something is priced', () => {
    expect(warned('store: memory', 'path: /a, price: $1')).toEqual([
      'store: memory forgets at exit which payments were used and which settlements were open',
    ]);
    expect(warned('store: memory', 'path: /a, price: free')).toEqual([]);
  });
});

describe('foreignTransfers: serve', () => {
  const ROUTE = '  - {path: /v1/a, price: $1}\n';

  it('is warned of where no facilitator has a node that could find them', () => {
    expect(warned('foreignTransfers: serve', 'path: /v1/a, price: $1')).toEqual([
      'foreignTransfers: no facilitator here has a node that could find a transfer of somebody else: all are refused',
    ]);
    expect(warned('foreignTransfers: refuse', 'path: /v1/a, price: $1')).toEqual([]);
  });

  it('is fine with a node', () => {
    const node = '{url: https://facilitator.example, rpc: {base: "http://127.0.0.1:8545"}}';
    const head = HEAD.replace('https://facilitator.example', node);
    expect(warningsOf(`foreignTransfers: serve\n${head}routes:\n${ROUTE}`)).toEqual([]);
  });
});

describe('a route that sells passes', () => {
  const ROUTE = 'path: /v1/a, price: $1, access: {for: 1h}';

  it('is warned of where its buyers cannot sign in, because the gateway does not know its own name', () => {
    expect(warned('', ROUTE)).toEqual([
      'routes[0].access: who bought a pass of /v1/a can only come back with its token: there is no publicUrl to sign in under',
    ]);
  });

  it('is fine with a publicUrl, with a host, and where nobody is to sign in', () => {
    expect(warned('publicUrl: https://api.example.com', ROUTE)).toEqual([]);
    expect(warned('', `${ROUTE}, host: api.example.com`)).toEqual([]);
    expect(warned('accessTokens: {signIn: off}', ROUTE)).toEqual([]);
  });
});

describe('a 402 that is longer than nginx takes of a head', () => {
  const accepts = 'accepts: [base, polygon, arbitrum, avalanche, base-sepolia]';

  it('is warned of once for all routes, and fine with fewer ways to pay', () => {
    const routes = Array.from({ length: 20 }, (_, at) => `path: /v1/${at}, price: $1, ${accepts}, access: {for: 1h}`);
    const long = warned('', ...routes).filter((line) => line.includes('nginx'));
    expect(long).toEqual([
      expect.stringMatching(
        /^routes\[0\]\.price: the head of the 402 can have \d+ bytes, and nginx in front answers 502 to more than 4000 .*; the same holds for 19 more$/,
      ),
    ]);
    expect(warned('', 'path: /v1/a, price: $1, access: {for: 1h}').filter((line) => line.includes('nginx'))).toEqual(
      [],
    );
  });

  it('is warned of where the challenges of MPP make it so, on the routes that speak it alone', () => {
    const few = 'accepts: [base, polygon, arbitrum]';
    const warnedWith = (protocols: string): string[] =>
      warned('', `path: /v1/a, price: $1, ${few}, protocols: ${protocols}`).filter((line) => line.includes('nginx'));
    expect(warnedWith('[x402]')).toEqual([]);
    expect(warnedWith('[mpp]')).toEqual([]);
    expect(warnedWith('[x402, mpp]')).toEqual([expect.stringContaining('routes[0].price: the head of the 402')]);
    expect(warned(`protocols: [x402, mpp]`, `path: /v1/a, price: $1, ${few}`)).toEqual([
      expect.stringContaining('nginx'),
    ]);
  });
});
