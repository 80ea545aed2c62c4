import { describe, expect, it } from 'vitest';
import { describeRoutes } from '../../../src/config/describe.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { exactEvm, HEAD, load, paidPriceOf, planOf, problemsOf, route } from '../../support/config/load.ts';

describe('all problems at once', () => {
  const TEN_MISTAKES = `lisen: 0.0.0.0:8402
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
upstream: http://127.0.0.1:8080
accepts: [base]
facilitator:
  local:
    rpc: { base: "http://127.0.0.1:8545" }
    key: \${KEY}
routes:
  - path: /a
    price: $0.0000001
  - path: /b
    price: -1
  - path: /c
    price: 1e3
  - path: /d
    price:
  - path: /a
    price: $1
  - path: /e/../f
    price: $1
  - path: /g
    prise: $1
  - path: /h
    price: $1
    accepts: [polygon]
  - path: /i
    methods: [get]
    price: $1
`;

  it('reports ten different mistakes with line and column in one run', () => {
    const problems = problemsOf(TEN_MISTAKES);
    const expected = [
      /^gateway\.yaml:1:1 lisen: the key "lisen" is not known, expected listen$/,
      /^gateway\.yaml:8:10 facilitator\.local\.key: the environment variable KEY is not set/,
      /^gateway\.yaml:11:12 routes\[0\]\.price: the price 0\.0000001 has 7 digits after the point, the asset has 6/,
      /^gateway\.yaml:13:12 routes\[1\]\.price: "-1" is not a price/,
      /^gateway\.yaml:15:12 routes\[2\]\.price: "1e3" is not a price/,
      /^gateway\.yaml:17:11 routes\[3\]\.price: the price is empty/,
      /^gateway\.yaml:18:11 routes\[4\]\.path: the route matches the same requests as routes\[0\]\.path/,
      /^gateway\.yaml:20:11 routes\[5\]\.path: the path can never match/,
      /^gateway\.yaml:22:5 routes\[6\]\.price: it is missing/,
      /^gateway\.yaml:23:5 routes\[6\]\.prise: the key "prise" is not known, expected price$/,
      /^gateway\.yaml:26:15 routes\[7\]\.accepts\[0\]: no facilitator serves the network polygon/,
      /^gateway\.yaml:28:15 routes\[8\]\.methods\[0\]: methods are upper case, get would never match, expected GET$/,
    ];
    expect(problems).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(problems[index]).toMatch(pattern);
  });

  it('reports a wrong value that many routes inherit only once', () => {
    const text = `${HEAD.replace('287C', '287D')}routes:\n  - {path: /a, price: $1}\n  - {path: /b, price: $1}\n`;
    expect(problemsOf(text)).toEqual([expect.stringMatching(/:2:8 payTo: .* wrong EIP-55 checksum/)]);
  });

  it('says so when the file cannot be read', () => {
    const readFile = (): string => {
      throw new Error('gone');
    };
    const loaded = loadConfig({ file: 'none.yaml', env: {}, readFile, schemes: [exactEvm] });
    expect(loaded).toMatchObject({
      ok: false,
      problems: [{ file: 'none.yaml', wrong: 'the file cannot be read: gone' }],
    });
  });
});

describe('what a priced route needs', () => {
  it.each([
    ['upstream', 'the route goes nowhere'],
    ['payTo', 'nobody is paid'],
    ['accepts', 'there is no way to pay'],
    ['facilitator', 'nobody settles the payment'],
  ])('asks for %s', (key, wrong) => {
    const without = route('price: $1').replace(new RegExp(`^${key}:.*\\n`, 'm'), '');
    expect(problemsOf(without)).toEqual([expect.stringContaining(wrong)]);
  });

  it('asks a free route for nothing but an upstream', () => {
    const plan = planOf('upstream: http://127.0.0.1:8080\nroutes:\n  - {path: /a, price: free}\n');
    expect(plan.routes).toMatchObject([{ prices: [{ kind: 'free' }] }]);
    expect(plan.facilitators).toEqual([]);
  });
});

describe('routes against each other', () => {
  it('refuses two routes that differ only in the names of parameters', () => {
    const text = `${HEAD}routes:\n  - {path: "/a/:b", price: $1}\n  - {path: "/a/:c", price: free}\n`;
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/:7:12 routes\[1\]\.path: the route matches the same requests/),
    ]);
  });

  it('takes the same path for different methods and hosts', () => {
    const text = `${HEAD}routes:
  - {path: /a, methods: [GET], price: $1}
  - {path: /a, methods: [POST], price: $2}
  - {path: /a, host: api.example.com, price: $3}
`;
    expect(planOf(text).routes.map((entry) => entry.name)).toEqual(['GET /a', 'POST /a', 'api.example.com/a']);
  });

  it('refuses a route that can never match because others take every method', () => {
    const text = `${HEAD}routes:
  - {path: /a, price: free}
  - {path: /a, methods: [GET, POST, PUT], price: $1}
  - {path: /a, methods: [PATCH, DELETE, OPTIONS], price: $1}
`;
    expect(problemsOf(text)).toEqual([expect.stringMatching(/routes\[0\]\.path: the route can never match/)]);
  });

  it('does not take a colon inside a segment for a parameter when it looks for routes that can never match', () => {
    const methods = 'methods: [GET, POST, PUT, PATCH, DELETE, OPTIONS]';
    expect(
      problemsOf(`${HEAD}routes:\n  - {path: "/a:b", price: $1}\n  - {path: "/a:c", ${methods}, price: $1}\n`),
    ).toEqual([]);
    expect(
      problemsOf(`${HEAD}routes:\n  - {path: "/@b", price: $1}\n  - {path: "/%40b", ${methods}, price: $1}\n`),
    ).toHaveLength(1);
  });

  it('refuses two routes of one name, also when one has it by default', () => {
    const twice = `${HEAD}routes:\n  - {path: /a, name: x, price: $1}\n  - {path: /b, name: x, price: $1}\n`;
    expect(problemsOf(twice)).toEqual([expect.stringContaining('another route has the name x')]);
    const byDefault = `${HEAD}routes:\n  - {path: /a, host: h.example, price: $1}\n  - {path: /b, name: h.example/a, price: $1}\n`;
    expect(problemsOf(byDefault)).toEqual([expect.stringContaining('what another route is called by default')]);
  });

  it('refuses a rewrite from a prefix that the path does not have', () => {
    expect(problemsOf(route('price: $1\nrewrite: {from: /b, to: /}'))).toEqual([
      expect.stringContaining('does not begin with /b'),
    ]);
    expect(planOf(route('price: $1\nrewrite: {from: /a, to: /b}')).routes[0]?.rewrite).toEqual({
      from: '/a',
      to: '/b',
    });
  });
});

describe('the plan', () => {
  it('is frozen in depth', () => {
    const plan = planOf(route('price: $1'));
    const offer = paidPriceOf(plan.routes[0]).offers[0];
    for (const part of [
      plan,
      plan.routes,
      plan.routes[0],
      offer,
      offer?.requirements.extra,
      plan.limits,
      plan.listen,
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('finds its routes in its table', () => {
    const plan = planOf(route('price: $1'));
    expect(plan.table.match('HEAD', 'any', '/a')).toBe(plan.routes[0]);
  });

  it('has the documented defaults', () => {
    expect(planOf(route('price: $1'))).toMatchObject({
      listen: { kind: 'tcp', host: '0.0.0.0', port: 8402 },
      admin: { kind: 'tcp', host: '127.0.0.1', port: 9402 },
      publicUrl: undefined,
      trustedProxies: [],
      unmatched: { kind: 'deny' },
      store: { kind: 'sqlite', location: './turnpike.db', lasting: true },
      workers: 1,
      retryWindowMs: 600_000,
      retentionMs: 90 * 86_400_000,
      deferred: { maxUnsettled: 1_000, maxUnsettledPerPayer: 10, money: { all: undefined, ofPayer: undefined } },
      routes: [{ prices: [{ settle: 'after' }], idempotent: false, keepAnswers: undefined, identifier: 'off' }],
      limits: {
        paymentHeaderBytes: 12_288,
        headerBytes: 32_768,
        bodyBytes: undefined,
        connections: 10_000,
        connectionsPerAddress: 256,
        refusalsPerMinute: 60,
        unpaidCallsPerPayer: 64,
      },
      drainTimeoutMs: 30_000,
    });
  });

  it('reads a local facilitator, lists, and facilitators of one host', () => {
    const key = `0x${'1'.repeat(64)}`;
    const facilitators = `[https://f.example/a/, {url: "https://f.example/b", settleTimeout: 2m}, {local: {rpc: {base: "http://127.0.0.1:8545"}, key: "\${KEY}", maxFeePerGas: 0.5 gwei}}]`;
    const plan = planOf(route('price: $1').replace('https://facilitator.example', facilitators), { env: { KEY: key } });
    expect(plan.facilitators).toMatchObject([
      { kind: 'remote', name: 'f.example', url: 'https://f.example/a', settleTimeoutMs: 90_000 },
      { kind: 'remote', name: 'f.example#2', url: 'https://f.example/b', settleTimeoutMs: 120_000 },
      { kind: 'local', name: 'local', key, maxFeePerGas: 500_000_000n, confirmations: 1, eip6492Factories: [] },
    ]);
  });

  it('is described in plain data without upstream headers', () => {
    const text = route('price: $0.05\nupstream: {url: "http://127.0.0.1:9/base", headers: {x-api-key: secret-key}}');
    const [described] = describeRoutes(planOf(text));
    expect(described).toMatchObject({
      name: '/a',
      methods: ['*'],
      price: '0.05 USDC',
      upstream: 'http://127.0.0.1:9/base',
    });
    expect(JSON.stringify(described)).not.toContain('secret-key');
    for (const key of ['idempotent', 'keepAnswersBytes', 'paymentIdentifier'])
      expect(described).not.toHaveProperty(key);
  });

  it('is described with its settings for answers that do not arrive', () => {
    const text = route('price: $1\nidempotent: true\nkeepAnswers: {size: 1KB}\npaymentIdentifier: required');
    expect(describeRoutes(planOf(text))).toMatchObject([
      { settle: 'after', idempotent: true, keepAnswersBytes: 1_024, paymentIdentifier: 'required' },
    ]);
  });
});

describe('a condition beside the price of a route', () => {
  it.each(['when: {header: {x: y}}'])('is refused and not ignored: %s', (line) => {
    expect(problemsOf(route(`price: $1\n${line}`))).toEqual([
      expect.stringContaining('conditions stand in the entries of prices'),
    ]);
  });
});

describe('secrets', () => {
  it('never shows a value that came from outside', () => {
    const text = route(`price: \${PRICE}\npayTo: \${WALLET}`).replace(
      'https://facilitator.example',
      `{local: {rpc: {base: "\${RPC}"}, key: "\${KEY}"}}`,
    );
    const env = { PRICE: 'hush-price', WALLET: 'hush-wallet', RPC: 'hush-rpc', KEY: 'hush-key' };
    const problems = problemsOf(text, { env });
    expect(problems).toHaveLength(3);
    expect(problems.join('\n')).not.toContain('hush');
    const sold = problemsOf(text, { env: { ...env, PRICE: '$1' } });
    expect(sold).toContainEqual(expect.stringContaining(`the value of \${WALLET} is not right`));
    expect(sold.join('\n')).not.toContain('hush');
  });

  it('never shows a key that stands in the file', () => {
    const text = route('price: $1').replace(
      'https://facilitator.example',
      '{local: {rpc: {base: "http://127.0.0.1:1"}, key: "0xhush"}}',
    );
    expect(problemsOf(text)).toHaveLength(1);
    expect(problemsOf(text).join('\n')).not.toContain('hush');
  });

  it('loads the price table with values from files', () => {
    const text = route('price: $1').replace(
      'https://facilitator.example',
      `{url: "https://f.example", headers: {x-key: "\${file:/run/key}"}}`,
    );
    const loaded = load(text, { files: { '/run/key': 'abc\n' } });
    expect(loaded).toMatchObject({ ok: true, plan: { facilitators: [{ headers: [['x-key', 'abc']] }] } });
  });
});
