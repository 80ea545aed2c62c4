import { describe, expect, it } from 'vitest';
import { describeRoutes } from '../../../src/config/describe.ts';
import { differenceOf, renderChange } from '../../../src/config/difference.ts';
import { chargeText } from '../../../src/domain/charge-rule.ts';
import { HEAD, paidPriceOf, planOf, problemsOf, route, warningsOf } from '../../support/config/load.ts';

/** A file whose only route, `/a`, has these prices, and what else it says. */
function priced(entries: readonly string[], more = ''): string {
  return `${HEAD}routes:\n  - path: /a\n${more}    prices:\n${entries.map((entry) => `      - ${entry}\n`).join('')}`;
}

const REST = '{ price: $0.001 }';

function warnings(...entries: readonly string[]): readonly string[] {
  return warningsOf(priced(entries)).map(({ keyPath, wrong }) => `${keyPath}: ${wrong}`);
}

describe('prices of a route', () => {
  it('take what they do not say about money from their route', () => {
    const text = priced(
      [
        '{ when: { method: POST }, price: $1, settle: before, description: Own }',
        '{ when: { method: GET }, price: free }',
        REST,
      ],
      '    settle: deferred\n    accepts: [polygon]\n    description: Of the route\n    store: x\n'.replace(
        '    store: x\n',
        '',
      ),
    );
    const [route] = planOf(text).routes;
    expect(route?.prices).toMatchObject([
      { id: '/a#method=POST', settle: 'before', description: 'Own', offers: [{ network: 'eip155:137' }] },
      { id: '/a#method=GET', kind: 'free', description: 'Of the route' },
      { id: '/a#rest', when: [], settle: 'deferred', description: 'Of the route' },
    ]);
  });

  it('sell passes for the requests of their own price only', () => {
    const text = priced(['{ when: { query: { a: "1" } }, price: $1, name: one }', REST], '    access: { for: 1h }\n');
    const [one, rest] = (planOf(text).routes[0]?.prices ?? []).map((price) =>
      price.kind === 'priced' ? price.access : undefined,
    );
    expect(one?.terms).toMatchObject({ scope: 'route:/a#one', opens: [one?.fingerprint] });
    expect(rest?.terms.scope).toBe('route:/a#rest');
    expect(rest?.fingerprint).not.toBe(one?.fingerprint);
  });

  it('sell different passes when the conditions under a name change', () => {
    const fingerprintOf = (condition: string): string | undefined =>
      paidPriceOf(
        planOf(priced([`{ when: { query: { a: ${condition} } }, price: $1, name: one, access: { for: 1h } }`]))
          .routes[0],
      ).access?.fingerprint;
    expect(fingerprintOf('"1"')).not.toBe(fingerprintOf('"2"'));
  });

  it.each([
    ['{ when: { json: { /a: x } } }', 'prices[0].price: it is missing'],
    ['{ when: {}, price: $1 }', 'prices[0].when: there is no condition'],
    ['{ when: { json: {} }, price: $1 }', 'prices[0].when: there is no condition'],
    ['{ when: { body: x }, price: $1 }', 'prices[0].when.body: the key "body" is not known'],
    ['{ when: { json: { a: x } }, price: $1 }', 'prices[0].when.json.a: "a" is not a JSON pointer'],
    ['{ when: { json: { /a~2: x } }, price: $1 }', 'is not a JSON pointer'],
    ['{ when: { header: { X_A: x } }, price: $1 }', 'is not a header that APIs tell apart'],
    ['{ when: { json: { /a: { min: abc } } }, price: $1 }', '"abc" is not a number'],
    ['{ when: { json: { /a: { least: 1 } } }, price: $1 }', 'the key "least" is not known'],
    ['{ when: { json: { /a: {} } }, price: $1 }', 'the range has no bounds'],
    ['{ when: { json: { /a: [] } }, price: $1 }', 'the list is empty'],
    ['{ when: { json: { /a: "" } }, price: $1 }', 'the text has 0 characters'],
    ['{ when: { method: HEAD }, price: $1 }', '"HEAD" is not known'],
    ['{ when: { agent: human }, price: $1 }', '"human" is not known'],
    ['{ when: { jsonrpc: x }, price: $1, name: batch }', 'batch is what the sum of a batch is called'],
    ['{ when: { jsonrpc: x }, price: free, settle: before }', 'settle has no effect on a free route'],
    ['{ price: $1, upstream: "http://a" }', 'the key "upstream" is not known'],
  ])('refuse %s', (entry, wrong) => {
    const problems = problemsOf(priced([entry]));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(wrong);
  });

  it('replace a price', () => {
    expect(problemsOf(priced([REST], '    price: $1\n'))).toEqual([
      expect.stringContaining('the route has a price as well'),
    ]);
    expect(problemsOf(`${HEAD}routes:\n  - path: /a\n`)).toEqual([expect.stringContaining('the route has no price')]);
    expect(problemsOf(`${HEAD}routes:\n  - { path: /a, price: $1, when: { method: GET } }\n`)).toEqual([
      expect.stringContaining('conditions stand in the entries of prices'),
    ]);
  });

  it('need names when their conditions make the same default name', () => {
    const long = 'x'.repeat(80);
    const entries = [`{ when: { jsonrpc: ${long}a }, price: $1 }`, `{ when: { jsonrpc: ${long}b }, price: $2 }`];
    expect(problemsOf(priced(entries))).toEqual([expect.stringContaining('name: a name of its own')]);
  });

  it('of JSON-RPC calls need the same ways to pay, or a batch could not be paid', () => {
    const entries = ['{ when: { jsonrpc: a }, price: $1 }', '{ when: { jsonrpc: b }, price: $1, accepts: [polygon] }'];
    expect(problemsOf(priced(entries))).toEqual([expect.stringContaining('a batch with it could not be paid')]);
  });

  it('are listed one by one', () => {
    const [route] = describeRoutes(
      planOf(priced(['{ when: { json: { /n: { min: 2 } } }, price: $1 }', '{ price: free }'])),
    );
    expect(route).toMatchObject({
      price: '1 USDC or free',
      prices: [
        { id: '/a#/n=from_2', when: '/n is from 2', price: '1 USDC' },
        { id: '/a#rest', when: 'the rest', price: 'free', offers: [] },
      ],
    });
  });

  it('are named in what a reload changes', () => {
    const of = (price: string) => planOf(priced([`{ when: { method: POST }, price: ${price} }`, REST]));
    const lines = differenceOf(of('$1'), of('$2')).map(renderChange);
    expect(lines).toEqual([
      '~ * /a $1 or $0.001 → $2 or $0.001',
      expect.stringContaining('~ * /a prices: method=POST, method is POST, 1 USDC'),
    ]);
  });
});

describe('entries that can never match', () => {
  it.each([
    [REST, '{ when: { method: POST }, price: $1 }'],
    [REST, '{ price: $2 }'],
    ['{ when: { json: { /m: "gpt*" } }, price: $1 }', '{ when: { json: { /m: gpt-5 } }, price: $2 }'],
    [
      '{ when: { json: { /m: "gpt*" } }, price: $1 }',
      '{ when: { json: { /m: ["gpt-5*", "gpt-*-mini"] } }, price: $2 }',
    ],
    ['{ when: { json: { /m: present } }, price: $1 }', '{ when: { json: { /m: { min: 1 } } }, price: $2 }'],
    ['{ when: { json: { /m: { min: 1 } } }, price: $1 }', '{ when: { json: { /m: { min: 2, max: 3 } } }, price: $2 }'],
    ['{ when: { json: { /m: a } }, price: $1 }', '{ when: { json: { /m: a }, method: POST }, price: $2 }'],
  ])('are refused: after %s comes %s', (first, second) => {
    expect(problemsOf(priced([first, second]))).toEqual([
      expect.stringContaining('prices[1]: the price can never be asked'),
    ]);
  });

  it.each([
    ['{ when: { json: { /m: gpt-5 } }, price: $1 }', '{ when: { json: { /m: "gpt*" } }, price: $2 }'],
    ['{ when: { json: { /m: { min: 2 } } }, price: $1 }', '{ when: { json: { /m: { max: 3 } } }, price: $1 }'],
    ['{ when: { json: { /m: absent } }, price: $1 }', '{ when: { json: { /m: present } }, price: $2 }'],
    ['{ when: { json: { /m: a } }, price: $1 }', '{ when: { json: { /n: a } }, price: $1 }'],
  ])('do not include these: %s, %s', (first, second) => {
    expect(problemsOf(priced([first, second]))).toEqual([]);
  });
});

describe('warnings', () => {
  it('report entries that overlap and cost differently', () => {
    const [warning] = warnings(
      '{ when: { json: { /m: "gpt*" } }, price: $1 }',
      '{ when: { json: { /m: "*mini" } }, price: $2 }',
    );
    expect(warning).toContain('prices[1]: some requests fit routes[0].prices[0] (/m is gpt*) as well');
  });

  it('ignore special cases that come first, and entries that cost the same', () => {
    expect(
      warnings('{ when: { json: { /m: gpt-5 } }, price: $1 }', '{ when: { json: { /m: "gpt*" } }, price: $2 }', REST),
    ).toEqual([]);
    expect(
      warnings('{ when: { json: { /m: "gpt*" } }, price: $1 }', '{ when: { json: { /m: "*mini" } }, price: $1 }'),
    ).toEqual([]);
  });

  it('report a price for bots that a cheaper one follows', () => {
    expect(warnings('{ when: { agent: bot }, price: $1 }', REST)[0]).toContain(
      'a client that sends another User-Agent pays',
    );
  });

  it('report a range without a least number that a dearer price follows', () => {
    const upTo = (range: string) => `{ when: { query: { limit: ${range} } }, price: $0.001 }`;
    const found = warnings(upTo('{ max: 10 }'), '{ price: $1 }').filter((line) => line.includes('-1'));
    expect(found).toEqual([
      'routes[0].prices[0]: -1 fits "query limit is up to 10", and some APIs take it for no limit',
    ]);
    const others = [warnings(upTo('{ min: 0, max: 10 }'), '{ price: $1 }'), warnings(upTo('{ max: 10 }'), REST)];
    expect(others.flat().filter((line) => line.includes('-1'))).toEqual([]);
  });

  it('report a price by a variable of GraphQL that a cheaper one follows', () => {
    const field = 'graphql: { field: report }';
    const large = `{ when: { ${field}, json: { /variables/size: large } }, price: $1 }`;
    const others = `{ when: { ${field} }, price: $0.5 }`;
    expect(warnings(large, others)).toEqual([
      'routes[0].prices[0]: a client that writes the value into its query pays what routes[0].prices[1] costs instead',
    ]);
    expect(warnings(large.replace('$1', '$0.5'), others)).toEqual([]);
    expect(warnings(`{ when: { json: { /variables/size: large } }, price: $1 }`, REST)).toEqual([]);
  });
});

describe('answers that are not charged because of their content', () => {
  const charged = (keys: string) => paidPriceOf(planOf(route(keys)).routes[0]).charge;

  it('have conditions like those of requests, beside statuses', () => {
    const charge = charged('price: $1\ncharge: { statuses: [2xx, 304], unlessJson: { /error: present } }');
    expect(chargeText(charge)).toBe('2xx, 304, unless /error is present');
    expect(chargeText(charged('price: $1\ncharge: { unlessJson: { /errors: present, /data: absent } }'))).toBe(
      '2xx, unless /errors is present and /data is absent',
    );
  });

  it.each(['before', 'deferred'])('are refused with settle: %s', (settle) => {
    const text = route(`price: $1\nsettle: ${settle}\ncharge: { unlessJson: { /error: present } }`);
    expect(problemsOf(`store: sqlite:./t.db\n${text}`).join()).toContain('the money is due before the answer is read');
    const ofFile = route('price: $1\ncharge: { unlessJson: { /error: present } }');
    expect(problemsOf(`store: sqlite:./t.db\nsettle: ${settle}\n${ofFile}`)).toHaveLength(1);
  });

  it('are refused with metered prices, with free ones and for MCP, which need none', () => {
    const charge = 'charge: { unlessJson: { /error: present } }';
    expect(problemsOf(route(`price: { upTo: $1, meter: openai, rates: { input: $1/1M } }\n${charge}`))).toHaveLength(1);
    expect(problemsOf(route(`price: free\n${charge}`))).toHaveLength(1);
    expect(problemsOf(route(`mcp: { tools: { a: $1 } }\n${charge}`))).toHaveLength(1);
  });

  it.each([
    '{}',
    '{ unlessJson: {} }',
    '{ unlessJson: { error: present } }',
    '{ unlessJson: [] }',
    '{ unless: 1, statuses: [2xx] }',
  ])('are not described by %s', (charge) => {
    expect(problemsOf(route(`price: $1\ncharge: ${charge}`))).toHaveLength(1);
  });
});
