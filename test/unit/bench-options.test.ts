import { describe, expect, it } from 'vitest';
import { parseOptions, USAGE } from '../bench/options.ts';
import { SUITES } from '../bench/suites.ts';

describe('the command line of the benchmarks', () => {
  it('runs every suite where none is named', () => {
    expect(parseOptions([])?.suites).toEqual(Object.keys(SUITES));
  });

  it('runs the suites that are named', () => {
    expect(parseOptions(['--only', 'paid,free', '--rounds', '2'])).toMatchObject({
      suites: ['paid', 'free'],
      rounds: 2,
    });
  });

  it('refuses a suite and a number that there is not', () => {
    expect(() => parseOptions(['--only', 'fre'])).toThrow('there is no suite fre');
    expect(() => parseOptions(['--rounds', '0'])).toThrow('--rounds takes a whole number');
  });

  it('names every suite in its help', () => {
    expect(parseOptions(['--help'])).toBeUndefined();
    for (const name of Object.keys(SUITES)) expect(USAGE).toContain(name);
  });
});
