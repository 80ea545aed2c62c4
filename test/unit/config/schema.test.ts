import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { HEAD, load, problemsOf } from '../../support/config/load.ts';
import { configurationMarkdown, schemaJson } from '../../support/docs/generate.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(
  JSON.parse(read('config/gateway.schema.json')),
);
const passes = (text: string): boolean => validate(parse(text));
const route = (keys: string): string => `${HEAD}routes:\n  - {path: /a, ${keys}}\n`;
const withTop = (line: string): string => `${line}\n${route('price: $1')}`;

describe('what is generated from the decoders', () => {
  it('is in step: the schema', () => {
    expect(read('config/gateway.schema.json')).toBe(schemaJson());
  });

  it('is in step: the manual', () => {
    expect(read('docs/configuration.md')).toBe(configurationMarkdown());
  });
});

describe('gateway.example.yaml', () => {
  const example = read('gateway.example.yaml');

  it('passes the check and the schema', () => {
    expect(problemsOf(example)).toEqual([]);
    expect(passes(example), JSON.stringify(validate.errors)).toBe(true);
  });

  it('has nothing that a check warns of', () => {
    const loaded = load(example);
    expect(loaded.ok && loaded.warnings).toEqual([]);
  });
});

/** Sound files: a schema that refuses one of them would show false errors in an editor. */
const SOUND = [
  route('price: free'),
  route('price: $0.001'),
  route(
    'price: 0.25 USDC, methods: [GET, POST], host: a.example, name: x, mimeType: text/plain, settle: before, timeout: 1m',
  ),
  route('price: {amount: "1", asset: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"}, rewrite: {from: /a, to: /}'),
  route('price: $1, accepts: ["eip155:8453", {network: polygon, asset: USDC, maxTimeoutSeconds: 60}]'),
  withTop('admin: off'),
  withTop('listen: "[::1]:0"'),
  withTop('trustedProxies: [10.0.0.0/8, "::1"]'),
  withTop('workers: 1'),
  withTop('workers: 64'),
  withTop('workers: auto'),
  withTop('workers: "2"'),
  withTop('store: memory'),
  withTop('store: sqlite:turnpike.db'),
  withTop('store: sqlite:/var/lib/turn pike/ledger.sqlite'),
  withTop('store: postgres://user:p%40ss@db.internal:5432/turnpike?sslmode=verify-full'),
  withTop('store: postgresql:///turnpike?host=/run/postgresql'),
  withTop('settle: deferred\ndeferred: {maxUnsettled: 50}'),
  withTop('settle: deferred\ndeferred: {maxUnsettled: $20, maxUnsettledPerPayer: $1.50}'),
  withTop('deferred: {}'),
  withTop('retention: 1h'),
  withTop('keepAnswers: {size: 64KB}\npaymentIdentifier: required'),
  withTop('keepAnswers: off'),
  route('price: $1, settle: deferred, idempotent: true, keepAnswers: {size: 4MB}, paymentIdentifier: optional'),
  route('price: $1, idempotent: false, keepAnswers: off, paymentIdentifier: off'),
  route('price: $1, keepAnswers: {size: 65536}'),
  route('price: $1, keepAnswers: {size: "65536"}'),
  withTop('limits: {paymentHeaderBytes: 8192}'),
  withTop('limits: {bodyBytes: 1MB, connections: 100, connectionsPerAddress: 10}'),
  withTop('unmatched: pass'),
  withTop('cors: api'),
  `${HEAD}routes:\n  - {path: /, price: free}\n  - {path: "/*", price: $1}\n  - {path: "/:a/b/*", price: $1}\n  - {path: /a/, price: $1}\n`,
];

/** Files with a mistake of shape, which the schema must find as well. */
const MISSHAPED = [
  route('price: -1'),
  route('price: 1e3'),
  route('price: 0'),
  route('price: $0'),
  route('price: $0.00'),
  route('price: ""'),
  route('price: null'),
  route('price: $-1'),
  route('price: "5"'),
  route('price: {amount: 10000, asset: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"}'),
  route('price: {amount: "0", asset: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"}'),
  route('prise: $1'),
  route('price: $1, when: {}'),
  route('price: $1, methods: [get]'),
  route('price: $1, methods: [TRACE]'),
  route('price: $1, methods: []'),
  route('price: $1, accepts: []'),
  route('price: $1, accepts: base'),
  route('price: $1, accepts: [polygn]'),
  route('price: $1, payTo: "0x1"'),
  route(`price: $1, payTo: "0x${'0'.repeat(40)}"`),
  route('price: $1, settle: later'),
  route('price: $1, idempotent: yes'),
  route('price: $1, idempotent: "true"'),
  route('price: $1, keepAnswers: 64KB'),
  route('price: $1, keepAnswers: {}'),
  route('price: $1, keepAnswers: true'),
  route('price: $1, keepAnswers: {size: 64kb}'),
  route('price: $1, keepAnswers: {size: 0}'),
  route('price: $1, keepAnswers: {size: 4194305}'),
  route('price: $1, keepAnswers: {size: 64KB, for: 1h}'),
  route('price: $1, paymentIdentifier: true'),
  route('price: $1, paymentIdentifier: always'),
  route('price: $1, timeout: 30'),
  route('price: $1, timeout: 0s'),
  route('price: $1, host: a.example:80'),
  `${HEAD}routes:\n  - {path: a, price: $1}\n`,
  `${HEAD}routes:\n  - {path: /a//b, price: $1}\n`,
  `${HEAD}routes:\n  - {path: /a/../b, price: $1}\n`,
  `${HEAD}routes:\n  - {path: "/a*", price: $1}\n`,
  `${HEAD}routes:\n  - {path: "/a?b", price: $1}\n`,
  `${HEAD}routes:\n  - {price: $1}\n`,
  `${HEAD}routes: []\n`,
  HEAD,
  withTop('lisen: 0.0.0.0:1'),
  withTop('listen: 8402'),
  withTop('publicUrl: ftp://a.example'),
  withTop('store: "sqlite:"'),
  withTop('store: "sqlite::memory:"'),
  withTop('store: sqlite:///var/lib/turnpike.db'),
  withTop('store: sqlite:./turnpike.db?mode=memory'),
  withTop('store: sqlite:file:turnpike.db'),
  withTop('store: sqlite:~/turnpike.db'),
  withTop('store: sqlite:./data/'),
  withTop('store: postgres:db/turnpike'),
  withTop('store: mysql://user@db/turnpike'),
  withTop('store: redis'),
  withTop('workers: 0'),
  withTop('workers: 65'),
  withTop('workers: all'),
  withTop('workers: 1.5'),
  withTop('retention: 90'),
  withTop('deferred: true'),
  withTop('deferred: {maxUnsettled: 0}'),
  withTop('deferred: {maxUnsettld: 1}'),
  withTop('unmatched: allow'),
  withTop('limits: {paymentHeaderBytes: 1}'),
  withTop('limits: {bodyBytes: 0}'),
  withTop('limits: {connectionsPerAddress: 0}'),
];

describe('the JSON Schema', () => {
  it.each(SOUND)('takes a sound file: %j', (text) => {
    expect(problemsOf(text)).toEqual([]);
    expect(passes(text), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each(MISSHAPED)('finds the mistake that the check finds: %j', (text) => {
    expect(problemsOf(text)).not.toEqual([]);
    expect(passes(text)).toBe(false);
  });

  it('lets expansions stand for any text', () => {
    expect(passes(route(`price: "\${PRICE}", payTo: "\${WALLET}", timeout: "\${TIMEOUT}"`))).toBe(true);
  });
});
