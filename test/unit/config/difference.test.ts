import { describe, expect, it } from 'vitest';
import { differenceOf, fixedKeysChanged, renderChange } from '../../../src/config/difference.ts';
import { planOf } from '../../support/gateway.ts';

const TOP = `upstream: { url: http://127.0.0.1:8080, headers: { x-key: secret-one } }
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base]
facilitator: https://facilitator.example
store: memory
`;
const OLD = `${TOP}routes:
  - { path: /v1/weather/:city, methods: [GET], price: $0.001 }
  - { path: /v1/reports/*, price: 0.05 USDC }
  - { path: /old, methods: [GET, POST], price: $1 }
  - { path: /healthz, price: free }
`;

async function linesBetween(old: string, next: string): Promise<readonly string[]> {
  return differenceOf(await planOf(old), await planOf(next)).map(renderChange);
}

describe('the difference of two configurations', () => {
  it('shows the prices of routes that come, go and change as the files put them', async () => {
    const next = `${TOP}routes:
  - { path: /v1/jobs, methods: [POST], price: $0.25 }
  - { path: /v1/weather/:city, methods: [GET], price: $0.002 }
  - { path: /v1/reports/*, price: free }
  - { path: /healthz, price: free }
`;
    expect(await linesBetween(OLD, next)).toEqual([
      '+ POST /v1/jobs $0.25',
      '~ GET /v1/weather/:city $0.001 → $0.002',
      '~ * /v1/reports/* 0.05 USDC → free',
      '- GET,POST /old $1',
    ]);
  });

  it('is empty for files that say the same in another way', async () => {
    const [first = '', ...rest] = OLD.split('routes:\n')[1]?.trimEnd().split('\n') ?? [];
    const turned = `${TOP}routes:\n${[...rest, first].join('\n')}\n`.replace('[GET, POST]', '[POST, GET]');
    expect(await linesBetween(OLD, turned)).toEqual(
      // The default name of a route is made of its methods as they are written.
      ['~ GET,POST /old name: GET,POST /old → POST,GET /old'],
    );
  });

  it('shows the payee, the network and the lifetime of a quote', async () => {
    const lines = await linesBetween(
      OLD,
      OLD.replace('accepts: [base]', 'accepts: [{ network: base, maxTimeoutSeconds: 90 }]'),
    );
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(
      /^~ GET \/v1\/weather\/:city accepts: exact USDC on eip155:8453 to 0x\S+ for 300s → .* for 90s$/,
    );
  });

  it('says that a secret changed, and not what it is', async () => {
    const lines = await linesBetween(OLD, OLD.replace('secret-one', 'secret-two'));
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).toMatch(/^~ .* settings that are not shown: changed$/);
    expect(lines.join()).not.toContain('secret-');
  });

  it('names the keys as the file does, with the units of the file', async () => {
    const next = `retryWindow: 90m\nlimits: { paymentHeaderBytes: 8192 }\nunmatched: pass\n${OLD}`;
    expect(await linesBetween(OLD, next)).toEqual([
      '~ unmatched: deny → pass to http://127.0.0.1:8080',
      '~ retryWindow: 10m → 90m',
      '~ limits.paymentHeaderBytes: 12288 → 8192',
    ]);
  });

  it('knows the keys that only a restart changes', async () => {
    const next = `listen: 127.0.0.1:1\nadmin: off\ndrainTimeout: 1m\nlimits: { headerBytes: 65536 }\n${OLD}`;
    expect(fixedKeysChanged(await planOf(OLD), await planOf(next))).toEqual(['listen', 'admin', 'limits.headerBytes']);
  });
});
