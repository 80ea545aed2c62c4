import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeRoutes } from '../../../src/config/describe.ts';
import { newAgent } from '../../support/agents/signing-agent.ts';
import { VECTOR_KEYS } from '../../support/agents/vectors.ts';
import { planOf, problemsOf, route, warningsOf } from '../../support/config/load.ts';

const ORIGIN = 'https://agent.example';
const { directory } = newAgent(ORIGIN);

function agents(...listed: readonly object[]): string {
  return `publicUrl: https://api.example.com\nagents: ${JSON.stringify(listed)}\n`;
}

const PRICES = route(
  'prices: [{ when: { agent: verified }, price: $1 }, { when: { agent: bot }, price: $5 }, { price: $5 }]',
);

const problems = (...listed: readonly object[]): readonly string[] => problemsOf(agents(...listed) + PRICES);

describe('agents', () => {
  it('have their keys in a map or in a file, identified by their thumbprints', () => {
    const keys = { keys: Object.values(VECTOR_KEYS) };
    const inline = planOf(agents({ agent: ORIGIN, keys }) + PRICES).agents;
    const file = '/run/agents/example.json';
    const byFile = planOf(agents({ agent: ORIGIN, keys: `\${file:${file}}` }) + PRICES, {
      files: { [file]: JSON.stringify(keys) },
    }).agents;
    expect(byFile).toEqual(inline);
    // As the drafts' signatures name them.
    expect(new Set(inline[0]?.keys.map(({ id }) => id))).toEqual(
      new Set(['poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U', 'oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA']),
    );
  });

  it.each<[string, unknown]>([
    ['no list of keys', {}],
    ['no key that signatures are checked with', { keys: [] }],
    ['key 1 is no JWK', { keys: ['x'] }],
    ['key 1 cannot be used', { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AAAA' }] }],
    ['key 1 cannot be used', { keys: [{ kty: 'OKP', crv: 'Ed25519' }] }],
    ['key 2 is there twice', { keys: [...directory.keys, ...directory.keys] }],
    ['no JSON object', '[]'],
    ['no JSON object', 'keys'],
  ])('are refused with %s', (wrong, keys) => {
    expect(problems({ agent: ORIGIN, keys }).join('\n')).toContain(wrong);
  });

  it('are refused with a private key, which is not shown', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const jwk = privateKey.export({ format: 'jwk' });
    const [problem, ...others] = problems({ agent: ORIGIN, keys: { keys: [jwk] } });
    expect(others).toEqual([]);
    expect(problem).toContain('key 1 is a private one');
    expect(problem).not.toContain(jwk.d);
  });

  it('are refused with a short RSA key, and warned of where a key is of another kind', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    expect(problems({ agent: ORIGIN, keys: { keys: [rsa] } }).join('\n')).toContain('under 2048 bits');
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
    const both = agents({ agent: ORIGIN, keys: { keys: [ec, ...directory.keys] } }) + PRICES;
    expect(warningsOf(both).map(({ wrong }) => wrong)).toEqual([
      'key 1 is neither Ed25519 nor RSA for PS512: nothing is checked with it',
    ]);
  });

  it('need an origin and keys that no other agent has', () => {
    const keys = directory;
    expect(problems({ agent: `${ORIGIN}/path`, keys })).toHaveLength(1);
    expect(problems({ agent: 'agent.example', keys })).toHaveLength(1);
    expect(problems({ agent: ORIGIN, keys }, { agent: ORIGIN, keys }).join()).toContain('is there twice');
    expect(problems({ agent: ORIGIN, keys }, { agent: 'https://other.example', keys }).join()).toContain(
      'another agent has one of its keys',
    );
  });
});

describe('a price for verified agents', () => {
  const listed = agents({ agent: ORIGIN, keys: directory });
  const wrongs = (text: string): readonly string[] => warningsOf(text).map(({ wrong }) => wrong);

  it('is accepted before the price for bots, and both keep their names', () => {
    expect(wrongs(listed + PRICES)).toEqual([]);
    expect(describeRoutes(planOf(listed + PRICES))).toMatchObject([
      {
        prices: [
          { id: '/a#agent=verified', when: 'agent is verified' },
          { id: '/a#agent=bot', when: 'agent is bot' },
          { id: '/a#rest' },
        ],
      },
    ]);
  });

  it('is refused after the price for bots, or when the file has no agents', () => {
    const behind = route(
      'prices: [{ when: { agent: bot }, price: $5 }, { when: { agent: verified }, price: $1 }, { price: $1 }]',
    );
    expect(problemsOf(listed + behind).join()).toContain('can never be asked');
    expect(problemsOf(`publicUrl: https://api.example.com\n${PRICES}`).join()).toContain('the file has no agents');
  });

  it('causes a warning when no agent can be verified, when it is higher than the next price, and when it is free', () => {
    const nameless = `agents: ${JSON.stringify([{ agent: ORIGIN, keys: directory }])}\n${PRICES}`;
    expect(wrongs(nameless)).toEqual(['no agent is verified: there is no publicUrl that its signature could be for']);
    const dearer = route('prices: [{ when: { agent: verified }, price: $9 }, { price: $5 }]');
    expect(wrongs(listed + dearer)).toEqual([
      'an agent that does not sign pays what routes[0].prices[1] costs instead',
    ]);
    const free = route('prices: [{ when: { agent: verified }, price: free }, { price: $5 }]');
    expect(wrongs(listed + free)).toEqual([
      'whoever gets hold of a signed request can send it again for nothing, until its signature ends',
    ]);
  });
});
