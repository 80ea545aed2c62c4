import { describe, expect, it } from 'vitest';
import { AccountNumbers } from '../../../../src/facilitator/local/account-numbers.ts';

describe('the numbers of an account', () => {
  it('go on from what the node has, past what may have arrived', () => {
    const numbers = new AccountNumbers();
    numbers.learn(5, [5, 6]);
    expect([numbers.take(), numbers.take()]).toEqual([7, 8]);
  });

  it('fill the gaps below transactions of an earlier process first', () => {
    const numbers = new AccountNumbers();
    numbers.learn(5, [8]);
    expect([numbers.take(), numbers.take(), numbers.take(), numbers.take()]).toEqual([5, 6, 7, 9]);
  });

  it('do not take what this process has sent itself for a gap when the count is taken again', () => {
    const numbers = new AccountNumbers();
    numbers.learn(5, []);
    numbers.forget();
    numbers.learn(5, [7]);
    expect(numbers.take()).toBe(8);
  });

  it('are given to no other one when a transaction of an earlier process turns up', () => {
    const numbers = new AccountNumbers();
    numbers.learn(5, []);
    numbers.occupy(7);
    expect([numbers.take(), numbers.take(), numbers.take()]).toEqual([5, 6, 8]);
    numbers.giveBack(6);
    numbers.occupy(6);
    expect(numbers.take()).toBe(9);
  });

  it('are not left open up to a number that cannot be ours', () => {
    const numbers = new AccountNumbers();
    numbers.learn(5, [1_000_000]);
    expect(numbers.take()).toBe(5);
    expect(numbers.takeGaps()).toEqual([]);
  });

  it('go back to the count from the end of the line, and only from there', () => {
    const numbers = new AccountNumbers();
    numbers.learn(0, []);
    for (let taken = 0; taken < 4; taken += 1) numbers.take();
    for (const back of [3, 1]) numbers.giveBack(back);
    numbers.rollBack();
    expect(numbers.takeGaps()).toEqual([1]);
    expect(numbers.take()).toBe(3);
  });
});
