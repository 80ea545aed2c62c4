import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readPlainYaml } from '../../src/config/plain-yaml.ts';
import type { MapNode } from '../../src/config/tree.ts';
import { parseYaml } from '../../src/config/yaml-tree.ts';

/** The tree that the full YAML parser reads from a text, and its faults. */
function whole(text: string): { readonly tree: MapNode | undefined; readonly faults: readonly string[] } {
  const faults: string[] = [];
  const tree = parseYaml(text, (offset, wrong) => faults.push(`${offset}: ${wrong}`));
  return { tree, faults };
}

/** Most of the syntax that price tables use, and much that is less plain. */
const TABLE = `# A price table
listen: 127.0.0.1:8402   # here
upstream: "http://127.0.0.1:8080/a\\"b"
payTo: '0x20''9'
accepts: [base, {network: base-sepolia, asset: USDC}]

limits:
  # of a body
  body: 1.5
  count: 12
x-note: {}
routes:
- path: /v1/{name}:generate
  methods: [GET, "POST"]
  free: true
- { path: /b, price: { upTo: $1, rates: { unit: $0.001 } } }
-
  path: "/c # d"
  price: ~
  tags:
    - one
    - 'two'
  text: a:b - c, d [e] {f} é \u{1f600}
`;
const SPOILING = [' ', '  ', '\n', '- ', ': ', ':', '#', ' #', '"', "'", '[', ']', '{', '}', ',', '|', '>', '&a', '*a'];
const SPOILERS = [...SPOILING, '!', '%', '---\n', '...', '?', '? ', '\t', '\r', '0x1', '1e3', '-1', '.5', 'null', 'a'];

const spoilt = fc
  .array(
    fc.record({
      at: fc.nat(TABLE.length),
      cut: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(6)),
      put: fc.oneof(fc.constantFrom(...SPOILERS), fc.constant(''), fc.string({ maxLength: 3 })),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((edits) => edits.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), TABLE));

const leaf = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.stringMatching(/^[-+.0-9a-fox:#, ~]{0,8}$/),
  fc.constantFrom('null', 'true', 'No', '~', '.inf', '0x1F', '1e3', 'a: b', 'a #b', '<<'),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const name = fc.oneof(fc.stringMatching(/^[A-Za-z_$/][\w.$/-]{0,10}$/), fc.string({ maxLength: 5 }));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
}));
const written = fc
  .record({
    value: fc.dictionary(name, value, { minKeys: 1, maxKeys: 5 }),
    indentSeq: fc.boolean(),
    indent: fc.integer({ min: 1, max: 5 }),
    flow: fc.boolean(),
  })
  .map(({ value: given, flow, ...options }) =>
    stringify(given, { ...options, lineWidth: 0, collectionStyle: flow ? 'flow' : 'any' }),
  );

describe('The short way to read YAML', () => {
  it('takes a price table', () => {
    expect(readPlainYaml(TABLE)).toEqual(whole(TABLE).tree);
  });

  it('leaves a text whose first line is indented more than the others to the full parser, which refuses it', () => {
    expect(readPlainYaml(' a: 1\nb: 2\n')).toBeUndefined();
  });

  it.each([
    ['whose text was spoilt', spoilt],
    ['that a program wrote', written],
  ])('reads a text %s as the full parser does, or leaves it to the full parser', (_, texts) => {
    let read = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const plain = readPlainYaml(text);
        if (plain === undefined) return;
        read += 1;
        expect({ tree: plain, faults: [] }).toEqual(whole(text));
      }),
      { numRuns: Number(process.env['PLAIN_RUNS'] ?? 1500) },
    );
    expect(read).toBeGreaterThan(10);
  });
});
