import { describe, expect, it } from 'vitest';
import { type Address, parseAddress } from '../../../../src/evm/address.ts';
import { FailedGas } from '../../../../src/facilitator/local/failed-gas.ts';

const HOUR_MS = 3_600_000;
function payerOf(index: number): Address {
  const address = parseAddress(`0x${index.toString(16).padStart(40, '0')}`);
  if (address === undefined) throw new Error('no address');
  return address;
}

const BUDGET = { ofPayer: 600_000n, inAll: 6_000_000n };

describe('gas that failed settlements took', () => {
  it('keeps the payer who burnt it from travelling with others, and nobody else', () => {
    const burnt = new FailedGas(BUDGET, () => 0);
    burnt.note(payerOf(1), 150_000n);
    expect([burnt.mayShare(payerOf(1)), burnt.mayShare(payerOf(2))]).toEqual([false, true]);
    expect(burnt.isSpent(payerOf(1))).toBe(false);
  });

  it('has a budget for each payer, which is full again after an hour', () => {
    let now = 0;
    const burnt = new FailedGas(BUDGET, () => now);
    for (let time = 0; time < 5; time += 1) burnt.note(payerOf(1), 150_000n);
    expect([burnt.isSpent(payerOf(1)), burnt.isSpent(payerOf(2))]).toEqual([true, false]);
    now = HOUR_MS - 1;
    expect(burnt.isSpent(payerOf(1))).toBe(true);
    now = HOUR_MS;
    expect([burnt.isSpent(payerOf(1)), burnt.mayShare(payerOf(1))]).toEqual([false, true]);
  });

  it('has a budget for all payers, above which nobody travels with others and nobody else is declined', () => {
    const burnt = new FailedGas(BUDGET, () => 0);
    for (let index = 0; index < 41; index += 1) burnt.note(payerOf(index), 150_000n);
    expect([burnt.mayShare(payerOf(99)), burnt.isSpent(payerOf(99))]).toEqual([false, false]);
  });
});

it('has the budgets that the configuration says', () => {
  const burnt = new FailedGas({ ofPayer: 0n, inAll: 100_000n }, () => 0);
  burnt.note(payerOf(1), 150_000n);
  expect([burnt.isSpent(payerOf(1)), burnt.mayShare(payerOf(2)), burnt.isSpent(payerOf(2))]).toEqual([
    true,
    false,
    false,
  ]);
});
