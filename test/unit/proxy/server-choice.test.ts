import { describe, expect, it } from 'vitest';
import { ServerChoice } from '../../../src/proxy/server-choice.ts';
import { HealthBook } from '../../../src/proxy/server-health.ts';

function world(names: readonly string[]) {
  let now = 0;
  const book = new HealthBook(() => now);
  const servers = names.map((name) => ({ health: book.of(name) }));
  const choice = new ServerChoice(servers);
  return {
    book,
    pass: (ms: number) => {
      now += ms;
    },
    next: (...tried: string[]) => choice.next(servers.filter(({ health }) => tried.includes(health.name)))?.health.name,
    fail: (name: string, times = 3) => {
      for (let i = 0; i < times; i++) book.of(name).failed();
    },
  };
}

describe('the choice of a server', () => {
  it('goes round among servers that are equally busy', () => {
    const { next } = world(['a', 'b', 'c']);
    expect([next(), next(), next(), next()].sort()).toEqual(['a', 'b', 'b', 'c']);
  });

  it('is the least busy one', () => {
    const { book, next } = world(['a', 'b', 'c']);
    book.of('a').busy = 2;
    book.of('b').busy = 1;
    book.of('c').busy = 3;
    expect([next(), next(), next()]).toEqual(['b', 'b', 'b']);
  });

  it('is never a server that was tried, and is empty when all were', () => {
    const { next } = world(['a', 'b']);
    expect(next('a')).toBe('b');
    expect(next('a', 'b')).toBeUndefined();
    expect(world(['a']).next('a')).toBeUndefined();
  });

  it('leaves a server out after three failures in a row, and not before', () => {
    const { book, next, fail } = world(['a', 'b']);
    fail('a', 2);
    book.of('a').answered();
    fail('a', 2);
    expect([next(), next()].sort()).toEqual(['a', 'b']);
    fail('a', 1);
    expect([next(), next(), next()]).toEqual(['b', 'b', 'b']);
  });

  it('sends one trial request to a server that is left out, when its pause is over', () => {
    const { next, fail, pass } = world(['a', 'b']);
    fail('a');
    pass(999);
    expect([next(), next()]).toEqual(['b', 'b']);
    pass(1);
    expect([next(), next(), next()]).toEqual(['a', 'b', 'b']);
  });

  it('includes a server again after it answered its trial', () => {
    const { book, next, fail, pass } = world(['a', 'b']);
    fail('a');
    pass(1000);
    expect(next()).toBe('a');
    book.of('a').answered();
    expect([next(), next()].sort()).toEqual(['a', 'b']);
  });

  it('doubles the pause with each trial that fails, up to thirty seconds', () => {
    const { book, next, fail, pass } = world(['a', 'b']);
    fail('a');
    const pauses: number[] = [];
    for (let trial = 0; trial < 7; trial++) {
      let waited = 0;
      while (next() !== 'a') {
        pass(500);
        waited += 500;
      }
      pauses.push(waited);
      book.of('a').failed();
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it('counts failures of simultaneous requests as one', () => {
    const { next, fail, pass } = world(['a', 'b']);
    fail('a', 100);
    pass(1000);
    expect(next()).toBe('a');
  });

  it('sends another trial request after one more pause when a trial never ends', () => {
    const { next, fail, pass } = world(['a', 'b']);
    fail('a');
    pass(1000);
    expect([next(), next()]).toEqual(['a', 'b']);
    pass(1000);
    expect(next()).toBe('a');
  });

  it('asks the server that is due first when all are left out', () => {
    const { next, fail, pass } = world(['a', 'b']);
    fail('b');
    pass(500);
    fail('a');
    expect([next(), next()]).toEqual(['b', 'b']);
    expect(next('b')).toBe('a');
  });

  it('is always the server when there is only one, and reports what is wrong with it', () => {
    const { book, next, fail, pass } = world(['a']);
    expect(book.of('a').trouble).toBeUndefined();
    fail('a', 1);
    expect(book.of('a').trouble).toBe('1 failed in a row');
    fail('a', 2);
    pass(100);
    expect(next()).toBe('a');
    expect(book.of('a').trouble).toBe('3 failed in a row, left out, tried again in 1 s');
  });
});
