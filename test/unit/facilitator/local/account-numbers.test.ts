import { describe, expect, it } from 'vitest';
import { AccountNumbers } from '../../../../src/facilitator/local/account-numbers.ts';

describe('the numbers of an account', () => {
  it('continue after those that the node has and those that may have arrived', () => {
    const numbers = new AccountNumbers();
    numbers.learn(5, [5, 6]);
    expect([numbers.take(), numbers.take()]).toEqual([7, 8]);
  });

  it('fill the gaps below transactions of an earlier process first', () => {
    const numbers = new AccountNumbers();
    numbers.learn(5, [8]);
    expect([numbers.take(), numbers.take(), numbers.take(), numbers.take()]).toEqual([5, 6, 7, 9]);
  });

  it('do not count transactions of this process as gaps when the count is taken again', () => {
    const numbers = new AccountNumbers();
    numbers.learn(5, []);
    numbers.forget();
    numbers.learn(5, [7]);
    expect(numbers.take()).toBe(8);
  });

  it('are not given out when a transaction of an earlier process already has them', () => {
    const numbers = new AccountNumbers();
    numbers.learn(5, []);
    numbers.occupy(7);
    expect([numbers.take(), numbers.take(), numbers.take()]).toEqual([5, 6, 8]);
    numbers.giveBack(6);
    numbers.occupy(6);
    expect(numbers.take()).toBe(9);
  });

  it('have no gaps up to a number that cannot be ours', () => {
    const numbers = new AccountNumbers();
    numbers.learn(5, [1_000_000]);
    expect(numbers.take()).toBe(5);
    expect(numbers.takeGaps()).toEqual([]);
  });

  it('are returned to the count from the end of the sequence, and only from there', () => {
    const numbers = new AccountNumbers();
    numbers.learn(0, []);
    for (let taken = 0; taken < 4; taken += 1) numbers.take();
    for (const back of [3, 1]) numbers.giveBack(back);
    numbers.rollBack();
    expect(numbers.takeGaps()).toEqual([1]);
    expect(numbers.take()).toBe(3);
  });
});
