import type { LookupAddress } from 'node:dns';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NameLookup } from '../../../src/outgoing/name-lookup.ts';

const FIRST = [{ address: '10.0.0.1', family: 4 }];
const SECOND = [{ address: '10.0.0.2', family: 4 }];

/** A lookup, and its questions to the resolver that wait for an answer. */
function lookupOf() {
  const asked: { host: string; answer: (addresses: LookupAddress[]) => void; fail: (code: string) => void }[] = [];
  const names = new NameLookup((host, _options, done) => {
    asked.push({
      host,
      answer: (addresses) => done(null, addresses),
      fail: (code) => done(Object.assign(new Error(code), { code })),
    });
  });
  return {
    asked,
    look: (host: string) =>
      new Promise<unknown>((resolve, reject) => {
        names.lookup(host, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
      }),
    one: (host: string) =>
      new Promise<unknown>((resolve) => {
        names.lookup(host, {}, (...answer) => resolve(answer));
      }),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a lookup of names', () => {
  it('asks once for all connections that wait for one name', async () => {
    const { asked, look } = lookupOf();
    const all = [look('api.test'), look('other.test'), look('api.test'), look('api.test')];
    expect(asked.map(({ host }) => host)).toEqual(['api.test', 'other.test']);
    asked[1]?.answer(SECOND);
    asked[0]?.answer(FIRST);
    expect(await Promise.all(all)).toEqual([FIRST, SECOND, FIRST, FIRST]);
  });

  it('asks again for later connections, and follows what changed', async () => {
    const { asked, look } = lookupOf();
    const before = look('api.test');
    asked[0]?.answer(FIRST);
    await before;
    const after = look('api.test');
    asked[1]?.answer(SECOND);
    expect(await after).toEqual(SECOND);
  });

  it('gives one address where one is asked for', async () => {
    const { asked, one } = lookupOf();
    const found = one('api.test');
    asked[0]?.answer([...FIRST, ...SECOND]);
    expect(await found).toEqual([null, '10.0.0.1', 4]);
  });

  it.for([
    'EAI_AGAIN',
    'EAI_FAIL',
    'EMFILE',
  ])('uses the last known addresses where the resolver fails with %s', async (code) => {
    const { asked, look } = lookupOf();
    const before = look('api.test');
    asked[0]?.answer(FIRST);
    await before;
    const after = look('api.test');
    asked[1]?.fail(code);
    expect(await after).toEqual(FIRST);
  });

  it('believes the resolver that a name is gone', async () => {
    const { asked, look } = lookupOf();
    const before = look('api.test');
    asked[0]?.answer(FIRST);
    await before;
    const after = look('api.test');
    asked[1]?.fail('ENOTFOUND');
    await expect(after).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('fails where nothing was known before', async () => {
    const { asked, look } = lookupOf();
    const found = look('api.test');
    asked[0]?.fail('EAI_AGAIN');
    await expect(found).rejects.toMatchObject({ code: 'EAI_AGAIN' });
  });

  it('waits a second for a resolver that hangs, and asks it no second time meanwhile', async () => {
    const { asked, look } = lookupOf();
    const before = look('api.test');
    asked[0]?.answer(FIRST);
    await before;
    const [slow, later] = [look('api.test'), look('api.test')];
    await vi.advanceTimersByTimeAsync(1000);
    expect(await Promise.all([slow, later])).toEqual([FIRST, FIRST]);
    expect(asked).toHaveLength(2);
    asked[1]?.answer(SECOND);
    const next = look('api.test');
    asked[2]?.answer(SECOND);
    expect(await next).toEqual(SECOND);
  });
});
