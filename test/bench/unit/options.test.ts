import { describe, expect, it } from 'vitest';
import { parseOptions, USAGE } from '../options.ts';
import { SUITES } from '../suites.ts';

describe('the command line of the benchmarks', () => {
  it('runs every suite that needs nothing but this build where none is named', () => {
    const others = ['other-free', 'other-unpaid', 'other-pass', 'other-paid'];
    expect(parseOptions([])?.suites).toEqual(Object.keys(SUITES).filter((name) => !others.includes(name)));
    expect(parseOptions(['--before', 'bin/turnpike.js'])?.suites).toEqual(others);
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
