import { describe, expect, it } from 'vitest';
import { describeRoutes } from '../../../src/config/describe.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { loadSchemes } from '../../../src/registry.ts';
import { planOf, problemsOf, route, warningsOf } from '../../support/config/load.ts';

const schemes = await loadSchemes();
const HASH = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);

const keysOf = (sha256: string): string =>
  route(`price: $1\nkeys: { header: X-Api-Key, sha256: ${JSON.stringify(sha256)} }`);

describe('free requests', () => {
  it.each([
    ['second', 1_000],
    ['minute', 60_000],
    ['hour', 3_600_000],
    ['day', 86_400_000],
    ['30m', 1_800_000],
  ])('are counted per %s', (per, perMs) => {
    const [only] = planOf(route(`price: $1\nfree: { requests: 20, per: ${per} }`)).routes;
    expect(only?.free).toEqual({ requests: 20, perMs, by: 'address' });
  });

  it.each([
    '{}',
    '{ requests: 0, per: day }',
    '{ requests: 1 }',
    '{ requests: 1, per: 500ms }',
    '{ requests: 1, per: week }',
  ])('cannot be described by %s', (free) =>
    expect(problemsOf(route(`price: $1\nfree: ${free}`)).length).toBeGreaterThan(0));

  it('are refused on a free route, and so are customer keys', () => {
    expect(problemsOf(route('price: free\nfree: { requests: 1, per: day }'))).toHaveLength(1);
    expect(problemsOf(route(`price: free\nkeys: { header: X-Key, sha256: ${HASH} }`))).toHaveLength(1);
  });

  it('of accounts that sign in need signing in, x402, and an EVM network', () => {
    const free = 'free: { requests: 20, per: day, by: payer }';
    const sound = planOf(route(`price: $1\n${free}`));
    expect(sound.routes[0]?.free).toEqual({ requests: 20, perMs: 86_400_000, by: 'payer' });
    expect(describeRoutes(sound)).toMatchObject([{ free: '20 per day for each signed-in account' }]);
    const refused = [
      `accessTokens: { signIn: off }\n${route(`price: $1\n${free}`)}`,
      route(`price: $1\nprotocols: [mpp]\n${free}`),
    ];
    const words = refused.map((text) => problemsOf(text));
    const solana = route(`price: $1\naccepts: [solana]\npayTo: CmpNeggWJ4JaWJeJ8YKN1Zypmk7uvQq3PECGUCAEMbky\n${free}`);
    const loaded = loadConfig({ file: 'gateway.yaml', text: solana, env: {}, readFile: () => '', schemes });
    words.push(loaded.ok ? [] : loaded.problems.map(({ wrong }) => wrong));
    for (const each of words) expect(each.filter((text) => text.includes('nobody can sign in'))).toHaveLength(1);
  });

  it('are shown in words', () => {
    const shown = describeRoutes(
      planOf(route(`price: $1\nfree: { requests: 20, per: day }\nkeys: { header: X-Key, sha256: ${HASH} }`)),
    );
    expect(shown).toMatchObject([{ free: '20 per day for each client address', keys: '1 key in x-key' }]);
  });
});

describe('keys of customers', () => {
  it('stand one on a line, with labels, comments and empty lines', () => {
    const [only] = planOf(keysOf(`# ours\n${HASH}  ACME Inc\r\n\n  ${OTHER.toUpperCase()}\n`)).routes;
    expect([...(only?.keys?.hashes ?? [])]).toEqual([
      [HASH, 'ACME Inc'],
      [OTHER, undefined],
    ]);
  });

  it.each([
    ['no SHA-256 in hex', `${HASH}\nmy-secret-key`],
    ['there twice', `${HASH}\n${HASH}`],
    ['the digest of an empty text', `${OTHER}\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`],
    ['a label', `${OTHER}\n${HASH} caf\u00e9`],
  ])('are refused with the number of the line, without its text, when one is %s', (wrong, text) => {
    const [problem, ...others] = problemsOf(keysOf(text));
    expect(others).toEqual([]);
    expect(problem).toContain('line 2');
    expect(problem).toContain(wrong);
    expect(problem).not.toContain('my-secret-key');
  });

  it('may be an empty list, with a warning: a reload can remove the last key', () => {
    expect(warningsOf(keysOf('# nobody')).map(({ wrong }) => wrong)).toEqual(['there is no key: nobody passes']);
  });

  it.each([
    'Cookie',
    'Host',
    'X-PAYMENT',
    'PAYMENT-SIGNATURE',
    'X402-Key',
    'X-Forwarded-For',
    'Content-Type',
    'X_Key',
    '',
  ])('cannot come in the header %j', (header) => {
    expect(problemsOf(route(`price: $1\nkeys: { header: ${JSON.stringify(header)}, sha256: ${HASH} }`))).toHaveLength(
      1,
    );
  });

  it('have requests and a period together', () => {
    expect(problemsOf(route(`price: $1\nkeys: { header: X-Key, sha256: ${HASH}, requests: 5 }`))).toHaveLength(1);
    expect(problemsOf(route(`price: $1\nkeys: { header: X-Key, sha256: ${HASH}, per: day }`))).toHaveLength(1);
  });
});
