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
  ])('causes a warning when an API that ignores a final slash would serve it free: %s', (_name, top, other, place) => {
    expect(warned(top, 'path: /v1/a, price: $1', other)).toEqual([
      `${place}: an API that ignores case or a final slash serves /v1/a free of charge as /v1/a/`,
    ]);
  });

  it('causes a warning when an API that ignores case would serve it free', () => {
    expect(warned('', 'path: "/v1/*", price: $1', 'path: "/*", price: free')).toEqual([
      'routes[1].path: an API that ignores case or a final slash serves /v1/* free of charge as /V1/REST',
    ]);
  });

  it('causes one warning for all routes with the same cause', () => {
    const routes = Array.from({ length: 50 }, (_, index) => `path: /v1/${index}, price: $1`);
    const [warning, ...others] = warned('unmatched: pass', ...routes);
    expect(others).toEqual([]);
    expect(warning).toMatch(/^unmatched: .*; the same holds for 49 more$/);
  });

  it('causes no warning when nothing else of its API is free', () => {
    expect(warned('', 'path: /v1/a, price: $1', 'path: /healthz, price: free')).toEqual([]);
    expect(warned('', 'path: /v1/a, price: $1', 'path: "/*", price: $2')).toEqual([]);
    const elsewhere = 'path: "/*", price: free, upstream: "http://127.0.0.1:9"';
    expect(warned('', 'path: /v1/a, price: $1', elsewhere)).toEqual([]);
  });
});

describe('a priced host', () => {
  it('causes a warning when a client that sends another Host gets the path free', () => {
    expect(warned('unmatched: pass', 'path: "/*", host: a.example, price: $1')).toEqual([
      'unmatched: a client that sends another Host than a.example gets /rest free of charge',
    ]);
    expect(warned('', 'path: "/*", host: a.example, price: $1')).toEqual([]);
  });
});

describe('settle: after', () => {
  it('causes a warning for unsafe methods, at its place in the file', () => {
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
  it('causes a warning when something is priced', () => {
    expect(warned('store: memory', 'path: /a, price: $1')).toEqual([
      'store: memory forgets at exit which payments were used and which settlements were open',
    ]);
    expect(warned('store: memory', 'path: /a, price: free')).toEqual([]);
  });
});

describe('foreignTransfers: serve', () => {
  const ROUTE = '  - {path: /v1/a, price: $1}\n';

  it('causes a warning when no facilitator has a node that could find such transfers', () => {
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

  it('causes a warning when its buyers cannot sign in, because the gateway does not know its own host', () => {
    expect(warned('', ROUTE)).toEqual([
      'routes[0].access: who bought a pass of /v1/a can only come back with its token: there is no publicUrl to sign in under',
    ]);
  });

  it('causes no warning with a publicUrl, with a host, or with sign-in off', () => {
    expect(warned('publicUrl: https://api.example.com', ROUTE)).toEqual([]);
    expect(warned('', `${ROUTE}, host: api.example.com`)).toEqual([]);
    expect(warned('accessTokens: {signIn: off}', ROUTE)).toEqual([]);
  });
});

describe('a 402 with a head too long for nginx', () => {
  const accepts = 'accepts: [base, polygon, arbitrum, avalanche, base-sepolia]';

  it('causes one warning for all routes, and none with fewer ways to pay', () => {
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

  it('causes a warning when the challenges of MPP make it too long, only on routes that speak MPP', () => {
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

describe('an MCP server of several servers', () => {
  const mcp = 'path: /mcp, mcp: {tools: {"*": $1}}';

  it('causes a warning, because each of them knows its own sessions only', () => {
    const several = 'upstream: ["http://127.0.0.1:81", "http://127.0.0.1:82"]';
    expect(warned('', `${mcp}, ${several}`)).toEqual([
      'routes[0].upstream: a session of MCP lives in the server that began it, and its calls go to all of these servers in turn',
    ]);
    expect(warned('', mcp)).toEqual([]);
    expect(warned('', `path: /a, price: $1, ${several}`)).toEqual([]);
  });
});

describe('a price by a key of the query', () => {
  const prices = 'prices: [{ when: { query: { tier: dear } }, price: $1 }, { price: $0.1 }]';

  it('causes a warning where forms are taken, in which some APIs find the key, too', () => {
    const found = (name: string) =>
      `routes[0].prices: an API that reads forms like the query finds tier also in the body of ${name}, where no price sees it`;
    expect(warned('', `path: /a, settle: before, methods: [POST], ${prices}`)).toEqual([found('POST /a')]);
    expect(warned('', `path: /a, settle: before, ${prices}`)).toEqual([found('/a')]);
    expect(warned('', `path: /a, methods: [GET], ${prices}`)).toEqual([]);
  });
});

describe('an upstream under the name that clients use', () => {
  it('causes a warning, because requests may come back', () => {
    const top = 'publicUrl: https://api.example.com';
    const under = (url: string): string[] => warned(top, `path: /a, price: $1, upstream: "${url}"`);
    expect(under('https://api.example.com/base')).toEqual([
      expect.stringMatching(/^routes\[0\]\.upstream: it is the publicUrl/),
    ]);
    expect(under('https://origin.example.com')).toEqual([]);
    expect(under('http://api.example.com:8080')).toEqual([]);
  });
});
