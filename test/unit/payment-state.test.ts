import { describe, expect, it } from 'vitest';
import {
  type ClaimState,
  isClaimable,
  mayFollow,
  PAYMENT_TRANSITIONS,
  type PaymentState,
} from '../../src/domain/payment-state.ts';

const STATES = Object.keys(PAYMENT_TRANSITIONS) as PaymentState[];
const CLAIM_STATES: readonly ClaimState[] = ['reserved', 'forwarding', 'settling'];
/** The money is with the seller. */
const PAID: readonly PaymentState[] = ['undelivered', 'delivering', 'delivered', 'delivery_unknown', 'redelivering'];
/** The money was asked for, and may be with the seller. */
const ASKED: readonly PaymentState[] = ['settling', 'unknown'];

/** The whole machine, written down a second time. */
const LEGAL = new Set(
  Object.entries({
    reserved: 'forwarding settling released',
    forwarding: 'owed settling released',
    owed: 'owed settling',
    settling: 'settling owed unknown delivering delivered undelivered delivery_unknown failed defaulted',
    unknown: 'unknown owed delivered undelivered delivery_unknown failed defaulted',
    undelivered: 'delivering',
    delivering: 'delivered undelivered delivery_unknown',
    delivered: 'redelivering',
    delivery_unknown: 'redelivering',
    redelivering: 'delivered delivery_unknown',
    released: CLAIM_STATES.join(' '),
    failed: CLAIM_STATES.join(' '),
  }).flatMap(([from, to]) => to.split(' ').map((next) => `${from}>${next}`)),
);

const STEPS = STATES.flatMap((from) => STATES.map((to) => [from, to] as const));

function reachableFrom(starts: readonly PaymentState[]): Set<PaymentState> {
  const seen = new Set(starts);
  for (const state of seen) for (const next of PAYMENT_TRANSITIONS[state]) seen.add(next);
  return seen;
}

describe('the states of a payment', () => {
  it.each(STEPS.filter(([from, to]) => LEGAL.has(`${from}>${to}`)))('lets %s become %s', (from, to) => {
    expect(mayFollow(from, to)).toBe(true);
  });

  it.each(STEPS.filter(([from, to]) => !LEGAL.has(`${from}>${to}`)))('never lets %s become %s', (from, to) => {
    expect(mayFollow(from, to)).toBe(false);
  });

  it('can all be reached from a claim', () => {
    expect([...reachableFrom(CLAIM_STATES)].sort()).toEqual([...STATES].sort());
  });

  it('end where an answer was given and no money will come', () => {
    expect(STATES.filter((state) => PAYMENT_TRANSITIONS[state].length === 0)).toEqual(['defaulted']);
  });

  it('never lead from money that moved back to money that did not', () => {
    expect([...reachableFrom(PAID)].filter((state) => !PAID.includes(state))).toEqual([]);
  });

  it('never let go of money that was asked for without an outcome', () => {
    for (const state of ASKED) expect(PAYMENT_TRANSITIONS[state]).not.toContain('released');
  });

  it('never ask for money again while its outcome is in doubt', () => {
    for (const next of ['settling', 'delivering'] as const) expect(mayFollow('unknown', next)).toBe(false);
  });

  it('never forget money that is owed for an answer that went out', () => {
    expect([...PAYMENT_TRANSITIONS.owed].sort()).toEqual(['owed', 'settling']);
  });

  it('pay only by way of settling', () => {
    const paying = STEPS.filter(([from, to]) => mayFollow(from, to) && PAID.includes(to) && !PAID.includes(from));
    expect([...new Set(paying.map(([from]) => from))]).toEqual(ASKED);
  });

  it('can be claimed anew exactly where the money did not move and is not being moved', () => {
    expect(STATES.filter(isClaimable)).toEqual(['released', 'failed']);
    for (const state of STATES) {
      for (const claim of CLAIM_STATES) if (isClaimable(state)) expect(mayFollow(state, claim)).toBe(true);
    }
  });
});
