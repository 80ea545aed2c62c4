import { describe, expect, it } from 'vitest';
import { logText } from '../../../src/domain/log-rules.ts';
import { HEAD, planOf, problemsOf } from '../../support/config/load.ts';

const ROUTES = 'routes:\n  - {path: /a, price: $1}\n';

describe('what is logged', () => {
  it('is every request with its address, unless the file says otherwise', () => {
    expect(planOf(HEAD + ROUTES).log).toEqual({ level: 'info', sample: 1, skip: [], clientAddress: true });
  });

  it('is what the file says', () => {
    const { log } = planOf(
      `${HEAD}log: {level: warn, sample: 12.5%, skip: [402, 3xx]}\nlogClientAddress: false\n${ROUTES}`,
    );
    expect(log).toEqual({
      level: 'warn',
      sample: 0.125,
      skip: [
        { from: 402, to: 402 },
        { from: 300, to: 399 },
      ],
      clientAddress: false,
    });
    expect(logText(log)).toBe('warn, 12.5% of the requests, but 402, 3xx');
  });

  it.each([
    ['level: loud', 'log.level'],
    ['sample: 0.5', 'log.sample'],
    ['skip: [700]', 'log.skip[0]'],
    ['skip: 402', 'log.skip'],
  ])('cannot be set by %s', (line, place) => {
    expect(problemsOf(`${HEAD}log: {${line}}\n${ROUTES}`).join('\n')).toContain(` ${place}: `);
  });
});
