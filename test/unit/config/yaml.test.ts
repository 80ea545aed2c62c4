import { describe, expect, it } from 'vitest';
import { renderFolded } from '../../../src/config/problem.ts';
import { HEAD, load, paidPriceOf, planOf, problemsOf, warningsOf } from '../../support/config/load.ts';

const ROUTES = 'routes:\n  - {path: /a, price: $1}\n';

describe('what YAML may do', () => {
  it('reports a key that is given twice and goes on with the rest', () => {
    const problems = problemsOf(
      `${HEAD}routes:\n  - path: /a\n    price: $1\n    price: free\n  - {path: /b, price: 5}\n`,
    );
    expect(problems).toEqual([
      expect.stringMatching(/:8:5: the key "price" is there twice, expected each key once/),
      expect.stringMatching(/:9:23 routes\[1\]\.price: the price 5 has no currency/),
    ]);
  });

  it.each([
    ['a custom tag', 'price: !money $1', 'the tag !money is not allowed'],
    ['a tag of YAML 1.1', 'price: !!binary aGVsbG8=', 'is not allowed'],
    ['a merge of no map', '<<: free', 'this cannot be merged into a map'],
    ['a merge without an anchor', '<<: *nothing', 'has no anchor before it'],
    ['an unknown key that is merged', '<<: {prize: $1}', 'routes[0].prize: the key "prize" is not known'],
    ['a merge into itself', '<<: &self {<<: *self}', 'this cannot be merged into a map'],
    ['an x- key in a route', 'x-note: $1', 'the key "x-note" is not known'],
    ['an alias without an anchor', 'price: *nothing', 'has no anchor before it'],
  ])('refuses %s', (_, line, wrong) => {
    expect(problemsOf(`${HEAD}routes:\n  - path: /a\n    ${line}\n`).join('\n')).toContain(wrong);
  });

  it('refuses a file that asks for YAML 1.1, where off is false', () => {
    expect(problemsOf(`%YAML 1.1\n---\n${HEAD}admin: off\n${ROUTES}`).join('\n')).toContain(
      'the file asks for YAML 1.1',
    );
    expect(planOf(`${HEAD}admin: off\n${ROUTES}`).admin).toBeUndefined();
  });

  it('refuses a second document, of which nothing would apply', () => {
    expect(problemsOf(`${HEAD}${ROUTES}---\n${HEAD}${ROUTES}`).join('\n')).toContain(
      'expected one document in the file',
    );
  });

  it.each([
    ['', 'the file is empty'],
    ['# only a comment\n', 'the file is empty'],
    ['- a\n- b\n', 'the file is not a map'],
    ['routes: [', 'the YAML is broken'],
    ['\tlisten: x', 'the YAML is broken'],
  ])('reports %j instead of throwing', (text, wrong) => {
    expect(problemsOf(text).join('\n')).toContain(wrong);
  });

  it.each([
    ['  - path: /a\n   price: $1\n', ':7:1:', 'the same indentation for the keys of one list item'],
    ['  - path: /a\n    price:$1\n', ':7:5:', 'a colon and a space after the key'],
    [
      '  - path: /a\n    price: $1\n    description: note: this\n',
      ':8:18:',
      'a text that holds or ends with a colon in quotes',
    ],
    ['  - path: *\n    price: $1\n', ':6:11:', 'the text in quotes: a * in front makes an alias of it'],
  ])('says what is right where the YAML breaks in %j', (routes, where, right) => {
    const problems = problemsOf(`${HEAD}routes:\n${routes}`);
    expect(problems).toEqual([expect.stringContaining(right)]);
    expect(problems[0]).toContain(where);
  });

  it.each([
    ['a key twice in brackets', '  - {path: /a, "price": $1, "price": $2}\n', 'the key "price" is there twice'],
    ['a key in a column of its own', '  - path: /a\n   price: $1\n', 'the key "price" is in another column'],
    ['a key left of its map', '  - path: /a\n  price: $1\n', 'the key "price" is in another column'],
    ['a key without a space', '  - path: /a\n    price:$1\n', 'this is no key with a value'],
    [
      'a text of two lines',
      '  - path: /a\n    description: one\n    two\n    price: $1\n',
      'quotes around a text of several',
    ],
    ['a tab', '  - path: /a\n\t  price: $1\n', 'a tab stands where a line is indented, expected spaces'],
    [
      'a no-break space',
      '\u00a0\u00a0- path: /a\n    price: $1\n',
      'a blank that is no space (U+00A0), expected spaces',
    ],
    ['a bracket that stays open', '  - {path: /a, price: $1\n', 'a { or [ is not closed here'],
    ['a bracket that was never open', '  - path: ]\n    price: $1\n', 'a bracket closes what none has opened'],
    ['a quote that stays open', '  - path: "/a\n    price: $1\n', 'a text in quotes does not end'],
    ['text behind quotes', '  - path: "/a" b\n    price: $1\n', 'something follows the end of the value'],
    ['a missing comma', '  - {"path": "/a" "price": "$1"}\n', 'expected a comma between two values'],
    ['an unknown escape', '  - path: "/\\d"\n    price: $1\n', 'an escape in double quotes is not known'],
    ['an @', '  - path: @a\n    price: $1\n', 'no text may begin with this character, expected the text in quotes'],
    ['an &', '  - path: &\n    price: $1\n', 'a & in front makes an anchor of it'],
    ['text behind |', '  - path: |a\n    price: $1\n', 'a text follows a | or >'],
    ['a comment without a space', '  - {path: /a, price: $1}#b\n', 'expected a space before the #'],
    ['a template', '  - path: {{ .path }}\n    price: $1\n', 'a list or a map stands where a key should be'],
    ['a list further in', '  - path: /a\n    price: $1\n    - path: /b\n', 'a list begins where none can'],
  ])('says in plain words what is wrong: %s', (_, routes, words) => {
    const problems = problemsOf(`${HEAD}routes:\n${routes}`);
    expect(problems).toEqual([expect.stringContaining(words)]);
  });

  it.each([
    'a: one\nhunter2\nb: c',
    'a: one\nhunter2 two\n',
    'a: "x" hunter2',
    'a: ["c" "hunter2"]',
  ])('never shows a value, which may be a secret, where the YAML breaks: %j', (text) => {
    const problems = problemsOf(text).join('\n');
    expect(problems).toContain('the YAML is broken');
    expect(problems).not.toContain('hunter2');
  });

  it('reports a break once, and not what the rest looks like after it', () => {
    const problems = problemsOf(`${HEAD}routes:\n  - {path: /a, price: $\{A}}\n  - {path: /b, price: $1}\n`);
    expect(problems).toEqual([expect.stringMatching(/:6:24: .* expected one value; inside \{ … \}, .* in quotes$/)]);
  });

  it('survives nesting without end', () => {
    expect(load(`routes: ${'['.repeat(20_000)}`).ok).toBe(false);
  });

  it('follows aliases to the place of their anchor, whatever they are used for', () => {
    const plan = planOf(
      `${HEAD}routes:\n  - {path: /a, price: $1, accepts: &two [base, polygon]}\n  - {path: /b, price: $2, accepts: *two}\n`,
    );
    expect(plan.routes.map((each) => paidPriceOf(each).offers.length)).toEqual([2, 2]);
  });

  it('stops following aliases of aliases that grow without bound', () => {
    const accepts = `&list [&base base${', *base'.repeat(200)}]`;
    const routes = Array.from({ length: 200 }, (_, index) => `  - {path: /a${index}, price: $1, accepts: *list}\n`);
    const text = `${HEAD.replace('[base]', accepts)}routes:\n${routes.join('')}`;
    expect(problemsOf(text).filter((line) => line.includes('too many aliases'))).toHaveLength(1);
  });
});

describe('merge keys and x- blocks', () => {
  it('add keys from other maps: own keys win, then those of the earlier map', () => {
    const plan = planOf(`x-cheap: &cheap {price: $0.001, name: cheap}
x-slow: &slow {timeout: 99s, price: $9}
${HEAD}routes:
  - {path: /a, <<: *cheap}
  - {path: /b, name: own, <<: [*cheap, *slow]}
  - path: /c
    <<: {<<: *slow, name: nested}
`);
    const facts = plan.routes.map((each) => [each.name, paidPriceOf(each).offers[0]?.amount, each.timeoutMs]);
    expect(facts).toEqual([
      ['cheap', 1000n, expect.any(Number)],
      ['own', 1000n, 99_000],
      ['nested', 9_000_000n, 99_000],
    ]);
  });

  it('report a wrong value where it is written, not where it is merged', () => {
    expect(problemsOf(`x-all: &all\n  price: 5\n${HEAD}routes:\n  - {path: /a, <<: *all}\n`)).toEqual([
      expect.stringMatching(/:2:10 routes\[0\]\.price: the price 5 has no currency/),
    ]);
  });

  it('merge into maps of any kind: of names, and those told apart by a key', () => {
    const facilitator = `facilitator: {local: {rpc: {<<: *rpc}, key: "0x${'11'.repeat(32)}"}}`;
    const plan = planOf(
      `x-rpc: &rpc {base: "https://rpc.example"}\n${HEAD.replace(/^facilitator: .*$/m, facilitator)}${ROUTES}`,
    );
    expect(plan.facilitators).toMatchObject([{ kind: 'local' }]);
    expect([...(plan.facilitators[0]?.rpc ?? [])].map(([, url]) => url)).toEqual(['https://rpc.example']);
  });
});

describe('warnings', () => {
  it('that say the same of several places are one line', () => {
    const at = (line: number) => ({
      file: 'g.yaml',
      line,
      column: 1,
      keyPath: `routes[${line}]`,
      wrong: 'it is risky',
      right: 'care',
    });
    expect(renderFolded([at(1)])).toEqual(['g.yaml:1:1 routes[1]: it is risky, expected care']);
    expect(renderFolded([at(1), { ...at(2), wrong: 'other' }, at(3), at(4)])).toEqual([
      'g.yaml:1:1 routes[1]: it is risky, expected care (also on line 3, 4)',
      'g.yaml:2:1 routes[2]: other, expected care',
    ]);
    expect(renderFolded([1, 2, 3, 4, 5, 6, 7, 8].map(at))).toEqual([
      expect.stringMatching(/ \(also on line 2, 3, 4, 5, 6 and 2 more\)$/),
    ]);
  });
});

describe('unknown keys', () => {
  it.each([
    ['publicURL: https://a.example', 'publicUrl'],
    ['trustedProxy: []', 'trustedProxies'],
    ['unmached: pass', 'unmatched'],
    ['payto: x', 'payTo'],
  ])('suggests what %j is meant to be', (line, meant) => {
    expect(problemsOf(`${line}\n${HEAD}${ROUTES}`)).toEqual([
      expect.stringMatching(new RegExp(`is not known, expected ${meant}$`)),
    ]);
  });

  it('lists the keys when nothing is near', () => {
    expect(problemsOf(`elephants: 3\n${HEAD}${ROUTES}`)).toEqual([
      expect.stringContaining('expected one of listen, admin,'),
    ]);
  });

  it('refuses unknown keys in every map of the file', () => {
    const text = `upstream: {url: "http://127.0.0.1:1", header: {}, tls: {verify: false}}
limits: {bodyByte: 1}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [{network: base, amount: 1, asset: {adress: x}}]
facilitator: [{url: "https://f.example", timeouts: 1s, cdp: {key: x}}, {local: {rcp: {}}}]
routes:
  - {path: /a, price: {amount: "1", assets: x}, rewrite: {form: /a}}
`;
    const unknown = problemsOf(text).filter((line) => line.includes('is not known'));
    expect(unknown.map((line) => line.replace(/^\S+ (\S+): .*$/, '$1'))).toEqual([
      'upstream.header',
      'upstream.tls.verify',
      'limits.bodyByte',
      'accepts[0].amount',
      'accepts[0].asset.adress',
      'facilitator[0].timeouts',
      'facilitator[0].cdp.key',
      'facilitator[1].local.rcp',
      'routes[0].price.assets',
      'routes[0].rewrite.form',
    ]);
  });
});

describe('a blank that is no space', () => {
  it.each([
    ['in a key', '{path: /a, price:\u00a0$1}', 'the key "price:\u00a0$1" holds a blank that is no space (U+00A0)'],
    ['before a key', '{path: /a, \u200bprice: $1}', 'price" holds a blank that is no space (U+200B), expected spaces'],
    ['behind a value', '{path: /a, price: $1\u200b}', '"$1\u200b" holds a blank that is no space (U+200B), expected'],
  ])('is named %s', (_, entry, wrong) => {
    expect(problemsOf(`${HEAD}routes:\n  - ${entry}\n`).join('\n')).toContain(wrong);
  });

  it('may stand in a text for people', () => {
    expect(problemsOf(`${HEAD}routes:\n  - {path: /a, price: $1, description: "100\u00a0km"}\n`)).toEqual([]);
  });
});

describe('expansions', () => {
  const price = (text: string): string => `${HEAD}routes:\n  - path: /a\n    price: ${text}\n`;

  it('leaves a dollar price alone', () => {
    expect(problemsOf(price('$0.001'))).toEqual([]);
  });

  it('fills in the environment and files, and trims the trailing line break of a file', () => {
    expect(planOf(price(`\${PRICE}`), { env: { PRICE: '$0.5' } }).routes[0]?.prices[0]).toMatchObject({
      kind: 'priced',
      offers: [{ amount: 500_000n }],
    });
    expect(problemsOf(price(`\${file:/price}`), { files: { '/price': '0.25 USDC\r\n' } })).toEqual([]);
    expect(problemsOf(price(`$\${AMOUNT}`), { env: { AMOUNT: '1' } })).toEqual([
      expect.stringContaining(`"\${AMOUNT}" is not a price`),
    ]);
  });

  it('trims the trailing line break of an environment variable, which secrets of Kubernetes often have', () => {
    expect(problemsOf(price(`\${PRICE}`), { env: { PRICE: '$0.5\n' } })).toEqual([]);
    expect(problemsOf(price(`\${PRICE}`), { env: { PRICE: '\n' } })).toEqual([
      expect.stringContaining('the environment variable PRICE is empty'),
    ]);
    expect(problemsOf(price(`\${PRICE}`), { env: { PRICE: '$0.5\n\n' } })).toEqual([
      expect.stringContaining('holds a line break'),
    ]);
  });

  it('tells of quotes around a value, which Docker and Kubernetes take for a part of it', () => {
    const key = `{ url: "http://127.0.0.1:8080", headers: { x-api-key: "\${KEY}" } }`;
    const file = `${HEAD}${ROUTES}`.replace('http://127.0.0.1:8080', key);
    const warned = (KEY: string): readonly string[] => warningsOf(file, { env: { KEY } }).map(({ wrong }) => wrong);
    const told = `the quotes around what "\${KEY}" stands for are a part of it`;
    expect([warned('"s3cret"'), warned("'s3cret'")]).toEqual([[told], [told]]);
    expect([warned('s3cret'), warned('"s3cret'), warned('"')]).toEqual([[], [], []]);
    expect(problemsOf(price(`\${KEY}`), { env: { KEY: '"$0.5"' } })).toEqual([expect.stringContaining(told)]);
  });

  it.each([
    [`\${MISSING}`, 'the environment variable MISSING is not set'],
    [`\${EMPTY}`, 'the environment variable EMPTY is empty'],
    [`\${toString}`, 'the environment variable toString is not set'],
    [`\${file:/missing}`, 'the file /missing cannot be read: there is no such file'],
    [`\${file:relative}`, 'is not an absolute path'],
    [`\${}`, 'is not an expansion'],
    [`\${a-b}`, 'is not an expansion'],
    [`"\${OPEN"`, 'is not an expansion'],
    [`\${TWO_LINES}`, 'holds a line break'],
    [`\${file:/two-lines}`, 'holds a line break'],
  ])('refuses %s', (text, wrong) => {
    const env = { EMPTY: '', TWO_LINES: '$1\nunmatched: pass' };
    expect(problemsOf(price(text), { env, files: { '/two-lines': '$1\n$2\n' } })).toEqual([
      expect.stringContaining(wrong),
    ]);
  });

  it('does not look at a value again, so that it injects neither YAML nor another expansion', () => {
    const env = { INJECT: 'free, accepts: []', AGAIN: `\${OTHER}`, OTHER: 'free' };
    expect(problemsOf(price(`\${INJECT}`), { env })).toEqual([expect.stringContaining('is not right')]);
    expect(problemsOf(price(`\${AGAIN}`), { env })).toEqual([expect.stringContaining('is not right')]);
  });
});
