import { describe, expect, it } from 'vitest';
import { Outages, STORE } from '../../../src/observe/outages.ts';

const API = { kind: 'upstream', name: 'http://api:80' } as const;

function coded(message: string): Error {
  return Object.assign(new Error(message), { code: 'CODE' });
}

function scene() {
  const lines: unknown[] = [];
  const state = { now: 0 };
  const write = (facts: unknown, msg: unknown): void => void lines.push([msg, facts]);
  const outages = new Outages({ warn: write, info: write }, () => state.now);
  return { lines, state, outages };
}

describe('an outage', () => {
  it('is logged when it begins, once a minute, and when it is over', () => {
    const { lines, state, outages } = scene();
    for (let second = 0; second < 130; second += 1) {
      state.now = second * 1_000;
      outages.failed(STORE, coded('refused'));
    }
    outages.worked(STORE);
    outages.worked(STORE);
    expect(lines).toEqual([
      ['outage begins', { store: 'ledger', cause: 'refused (CODE)' }],
      ['outage goes on', { store: 'ledger', cause: 'refused (CODE)', failures: 61, lastsMs: 60_000 }],
      ['outage goes on', { store: 'ledger', cause: 'refused (CODE)', failures: 121, lastsMs: 120_000 }],
      ['outage is over', { store: 'ledger', failures: 130, lastedMs: 129_000 }],
    ]);
  });

  it('of one server is separate from that of another', () => {
    const { lines, outages } = scene();
    outages.failed(API, 'facilitator_timeout');
    outages.failed(STORE, coded('away'));
    outages.worked(API);
    expect(lines).toEqual([
      ['outage begins', { upstream: 'http://api:80', cause: 'facilitator_timeout' }],
      ['outage begins', { store: 'ledger', cause: 'away (CODE)' }],
      ['outage is over', { upstream: 'http://api:80', failures: 1, lastedMs: 0 }],
    ]);
  });

  it('that comes and goes with every call is logged once a minute', () => {
    const { lines, state, outages } = scene();
    for (let second = 0; second < 60; second += 1) {
      state.now = second * 1_000;
      outages.failed(API, 'x');
      outages.worked(API);
    }
    expect(lines).toHaveLength(2);
    state.now = 60_000;
    outages.failed(API, 'x');
    expect(lines).toHaveLength(3);
  });

  it('is logged without the path of a URL, and nothing is logged when all is well', () => {
    const { lines, outages } = scene();
    outages.worked(API);
    expect(lines).toEqual([]);
    outages.failed(API, coded('connect https://user:pw@api.example/key/abc'));
    expect(JSON.stringify(lines)).not.toMatch(/pw|abc/);
  });
});
