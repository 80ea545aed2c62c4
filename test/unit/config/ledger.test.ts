import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { exactEvm, paidPriceOf, planOf, problemsOf, route, warningsOf } from '../../support/config/load.ts';

const withTop = (line: string): string => `${line}\n${route('price: $1')}`;

describe('the store', () => {
  it.each([
    ['sqlite:./turnpike.db', { kind: 'sqlite', location: './turnpike.db', lasting: true }],
    ['sqlite:/var/lib/turnpike/ledger.db', { kind: 'sqlite', location: '/var/lib/turnpike/ledger.db', lasting: true }],
    ['sqlite:.turnpike', { kind: 'sqlite', location: '.turnpike', lasting: true }],
    ['postgres://db/turnpike', { kind: 'postgres', location: 'postgres://db/turnpike', lasting: true }],
    [
      'postgresql://user:p%40ss@[::1]:5433/turnpike?sslmode=verify-full&application_name=gate',
      {
        kind: 'postgres',
        location: 'postgresql://user:p%40ss@[::1]:5433/turnpike?sslmode=verify-full&application_name=gate',
        lasting: true,
      },
    ],
    [
      'postgres:///turnpike?host=/run/postgresql',
      { kind: 'postgres', location: 'postgres:///turnpike?host=/run/postgresql', lasting: true },
    ],
    ['memory', { kind: 'memory', location: '', lasting: false }],
  ])('reads %s', (given, store) => {
    expect(planOf(withTop(`store: "${given}"`)).store).toEqual(store);
  });

  it('takes the path and the URL from the environment and from files', () => {
    const world = { env: { DATA: '/data' }, files: { '/run/secrets/db': 'postgres://u:p@db/turnpike\n' } };
    expect(planOf(withTop(`store: "sqlite:\${DATA}/t.db"`), world).store).toEqual({
      kind: 'sqlite',
      location: '/data/t.db',
      lasting: true,
    });
    expect(planOf(withTop(`store: "\${file:/run/secrets/db}"`), world).store).toMatchObject({ kind: 'postgres' });
  });

  it.each([
    ['sqlite:', 'the path of the database file is missing'],
    ['sqlite::memory:', 'forgets every payment at a restart'],
    ['sqlite:///var/lib/t.db', 'written as a URL'],
    ['sqlite:file:t.db?mode=memory', 'written as a URL'],
    ['sqlite:t.db?mode=memory', 'written as a URL'],
    ['sqlite:~/t.db', 'which only a shell understands'],
    ['sqlite: t.db', 'a blank before or after'],
    ['sqlite:./', 'that of a folder'],
    ['sqlite:..', 'that of a folder'],
    ['sqlite', 'this is no store'],
    ['Memory', 'this is no store'],
    ['mysql://db/turnpike', 'this is no store'],
  ])('refuses %j', (given, wrong) => {
    expect(problemsOf(withTop(`store: "${given}"`))).toEqual([expect.stringContaining(wrong)]);
  });

  it('says what it can be when it is empty', () => {
    expect(problemsOf(withTop('store:'))).toEqual([
      expect.stringContaining('expected sqlite:./turnpike.db, postgres://user:password@host/database or memory'),
    ]);
  });

  /** Each of these holds a password, or a part of one in a place where the URL's own syntax puts it. */
  const WRONG_URLS: readonly (readonly [string, string])[] = [
    ['postgres://user:hush@/turnpike', 'not a URL of a database'],
    ['postgres://user:hush word@db/turnpike', 'not a URL of a database'],
    ['postgres://user:hush/word@db/turnpike', 'not a URL of a database'],
    ['postgres://user:12/hush@db/turnpike', 'not the name of a database'],
    ['postgres://user:12?hush@db/turnpike', 'names no database'],
    ['postgres://user:hush#word@db/turnpike', 'not a URL of a database'],
    ['postgres://user:12#hush@db/turnpike', 'holds a #'],
    ['postgres://user:hush%@db/turnpike', 'a % that encodes nothing'],
    ['postgres:user:hush@db/turnpike', 'not a URL of a database'],
    ['postgres://user:hush@db', 'names no database'],
    ['postgres://user:hush@db/', 'names no database'],
    ['postgres://user:hush@db:0/turnpike', 'the port 0'],
    ['postgres://user:hush@one,two/turnpike', 'several hosts'],
    ['postgres:///turnpike?password=hush', 'names no host'],
    ['postgres://user:hush@db/turnpike?sslMode=require', 'a TLS parameter is not known'],
    ['postgres://user:hush@db/turnpike?sslmode=verify_full', 'the sslmode is not known'],
    ['mysql://user:hush@db/turnpike', 'this is no store'],
  ];

  it.each(WRONG_URLS)('refuses %s without repeating the password', (url, wrong) => {
    const [literal, ...more] = problemsOf(withTop(`store: '${url}'`));
    expect(more).toEqual([]);
    expect(literal).toContain(' store: ');
    expect(literal).toContain(wrong);
    expect(literal).not.toContain('hush');
  });

  it.each(WRONG_URLS)('refuses %s that comes from outside, in whole or in part, without repeating it', (url, wrong) => {
    const whole = problemsOf(withTop(`store: "\${URL}"`), { env: { URL: url } });
    const part = problemsOf(withTop(`store: '${url.replace(/^\w+/, `\${SCHEME}`)}'`), {
      env: { SCHEME: url.split(':', 1)[0] ?? '' },
    });
    expect([whole, part]).toEqual([[expect.stringContaining(wrong)], [expect.stringContaining(wrong)]]);
    expect([...whole, ...part].join('\n')).not.toContain('hush');
  });
});

describe('workers', () => {
  it('are as many as the file says, and one per core with auto', () => {
    expect(planOf(withTop('workers: 4')).workers).toBe(4);
    expect(planOf(withTop('workers: auto'), { cpus: 6 }).workers).toBe(6);
    expect(planOf(withTop(`workers: "\${N}"`), { env: { N: '3' } }).workers).toBe(3);
  });

  it('are one per core of this machine when the caller does not say how many there are', () => {
    const readFile = (): string => withTop('workers: auto');
    const loaded = loadConfig({ file: 'gateway.yaml', env: {}, readFile, schemes: [exactEvm] });
    expect(loaded).toMatchObject({ ok: true, plan: { workers: Math.min(availableParallelism(), 64) } });
  });

  it('are at least one and at most 64 with auto', () => {
    expect(planOf(withTop('workers: auto'), { cpus: 0 }).workers).toBe(1);
    expect(planOf(withTop('workers: auto'), { cpus: 256 }).workers).toBe(64);
  });

  it.each(['0', '65', '100', '-1', '1.5', '01', '0x2', 'all', ''])('are not %j', (given) => {
    expect(problemsOf(withTop(`workers: ${given}`))).toEqual([expect.stringMatching(/ workers: /)]);
  });

  it.each(['2', 'auto'])('cannot be %s with a store in memory, on whatever machine', (given) => {
    const text = withTop(`store: memory\nworkers: ${given}`);
    expect(problemsOf(text, { cpus: 1 })).toEqual([
      expect.stringMatching(/:2:10 workers: several processes cannot share/),
    ]);
    expect(problemsOf(text, { cpus: 8 })).toHaveLength(1);
  });

  it('can be one with a store in memory, and many with the others', () => {
    expect(problemsOf(withTop('store: memory\nworkers: 1'))).toEqual([]);
    expect(problemsOf(withTop('workers: 8'))).toEqual([]);
    expect(problemsOf(withTop('store: postgres://db/turnpike\nworkers: auto'))).toEqual([]);
  });
});

describe('retention', () => {
  it.each([
    ['1h', 3_600_000],
    ['90d', 7_776_000_000],
    ['36500d', 3_153_600_000_000],
  ])('of %s is kept exactly, beyond what a timer can wait', (given, ms) => {
    expect(planOf(withTop(`retention: ${given}`)).retentionMs).toBe(ms);
  });

  it.each(['59m', '0d', '36501d', '90', '1w', ''])('of %j is refused', (given) => {
    expect(problemsOf(withTop(`retention: ${given}`))).toEqual([expect.stringMatching(/ retention: /)]);
  });

  it('cannot be shorter than the time in which answers can be collected', () => {
    expect(problemsOf(withTop('retryWindow: 2h\nretention: 119m'))).toEqual([
      expect.stringMatching(/:2:12 retention: payments would be forgotten while/),
    ]);
    expect(planOf(withTop('retryWindow: 2h\nretention: 2h'))).toMatchObject({ retryWindowMs: 7_200_000 });
  });
});

/** The warnings of a file without the one that every priced route has with `store: memory`. */
function deferredWarningsOf(text: string): ReturnType<typeof warningsOf> {
  return warningsOf(text).filter(({ keyPath }) => keyPath !== 'store');
}

describe('deferred settlement', () => {
  it('is taken for the whole file and for a route', () => {
    expect(paidPriceOf(planOf(withTop('settle: deferred')).routes[0]).settle).toBe('deferred');
    expect(paidPriceOf(planOf(`settle: deferred\n${route('price: $1\nsettle: before')}`).routes[0]).settle).toBe(
      'before',
    );
    expect(paidPriceOf(planOf(route('price: $1\nsettle: deferred')).routes[0]).settle).toBe('deferred');
  });

  it('has the bounds of the file, each with its own default', () => {
    expect(planOf(withTop('deferred: {maxUnsettled: 50}')).deferred).toEqual({
      maxUnsettled: 50,
      maxUnsettledPerPayer: 10,
      money: { all: undefined, ofPayer: undefined },
    });
    expect(planOf(withTop('deferred: {maxUnsettledPerPayer: 1}')).deferred).toEqual({
      maxUnsettled: 1_000,
      maxUnsettledPerPayer: 1,
      money: { all: undefined, ofPayer: undefined },
    });
  });

  it('can have bounds in money instead of numbers of answers', () => {
    expect(planOf(withTop('deferred: {maxUnsettled: $20, maxUnsettledPerPayer: $1.50}')).deferred).toEqual({
      maxUnsettled: 1_000_000,
      maxUnsettledPerPayer: 1_000_000,
      money: { all: '20', ofPayer: '1.50' },
    });
  });

  it.each(['0', '-1', '1000001', 'many', '$0', '$-1', '$', '1 USDC', '1.5'])('has no bound of %s', (given) => {
    expect(problemsOf(withTop(`deferred: {maxUnsettled: ${given}}`))).toHaveLength(1);
    expect(problemsOf(withTop(`deferred: {maxUnsettledPerPayer: ${given}}`))).toHaveLength(1);
  });

  it('is warned of once where it is written, when the store is memory', () => {
    const text = `store: memory\nsettle: deferred\n${route('price: $1')}  - {path: /b, price: $1}\n`;
    expect(deferredWarningsOf(text)).toMatchObject([
      { keyPath: 'settle', line: 2, wrong: expect.stringContaining('a crash') },
    ]);
    const own = `store: memory\n${route('price: $1\nsettle: deferred')}`;
    expect(deferredWarningsOf(own).map((warning) => warning.keyPath)).toEqual(['routes[0].settle']);
  });

  it('is not warned of with a store that survives a crash, nor where no route uses it', () => {
    expect(deferredWarningsOf(withTop('settle: deferred'))).toEqual([]);
    expect(deferredWarningsOf(`store: memory\nsettle: deferred\n${route('price: $1\nsettle: after')}`)).toEqual([]);
    expect(deferredWarningsOf(`store: memory\nsettle: deferred\n${route('price: free')}`)).toEqual([]);
  });
});
