import { describe, expect, it } from 'vitest';
import { interleave, WARM_UP_SECONDS } from '../interleave.ts';
import type { Side } from '../suite.ts';

const silent = (): void => {};

/** The turns of two sides in a warm-up, and the rates of one. */
const WARMING = Array.from({ length: WARM_UP_SECONDS }, () => ['a 1', 'b 1']).flat();
const WARM: readonly number[] = Array<number>(WARM_UP_SECONDS).fill(999);

/** A side with a rate for each of its turns, the warm-up first. */
function sideOf(name: string, perTurn: readonly number[], turns: string[] = [], answer = '200'): Side {
  const left = [...perTurn];
  return {
    name,
    probe: async () => ({ status: answer }),
    async measure(seconds) {
      turns.push(`${name} ${seconds}`);
      return left.shift() ?? Number.NaN;
    },
  };
}

describe('sides of a benchmark', () => {
  it('take turns of a second, after a warm-up', async () => {
    const turns: string[] = [];
    const subject = sideOf('a', [], turns);
    await interleave({ subject, partners: [sideOf('b', [], turns)] }, 1, 2, silent);
    expect(turns).toEqual([...WARMING, 'a 1', 'b 1', 'a 1', 'b 1']);
  });

  it('run a whole round at once where their work cannot be cut into seconds', async () => {
    const turns: string[] = [];
    const subject = sideOf('a', [], turns);
    await interleave({ subject, partners: [sideOf('b', [], turns)], unbroken: true, warmUpSeconds: 5 }, 1, 3, silent);
    expect(turns).toEqual(['a 5', 'b 5', 'a 3', 'b 3']);
  });

  it('are compared round by round, without the warm-up', async () => {
    const subject = sideOf('a', [...WARM, 50, 150, 300]);
    const { ratios } = await interleave(
      { subject, partners: [{ ...sideOf('b', [...WARM, 100, 100, 200]), target: 1.2 }] },
      3,
      1,
      silent,
    );
    expect(ratios).toEqual([{ partner: 'b', perRound: [0.5, 1.5, 1.5], median: 1.5, min: 0.5, max: 1.5, target: 1.2 }]);
  });

  it('must answer the same before anything is measured', async () => {
    const turns: string[] = [];
    const subject = sideOf('a', [], turns);
    const partners = [sideOf('b', [], turns, '404')];
    await expect(interleave({ subject, partners }, 1, 1, silent)).rejects.toThrow('status differs');
    expect(turns).toEqual([]);
  });
});
