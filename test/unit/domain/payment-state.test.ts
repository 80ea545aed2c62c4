import { describe, expect, it } from 'vitest';
import {
  type ClaimState,
  HELD,
  isClaimable,
  mayFollow,
  OPEN,
  OWING,
  PAYMENT_TRANSITIONS,
  type PaymentState,
  PRUNABLE,
  RESTING,
  SETTLED,
  UNSETTLED,
} from '../../../src/domain/payment-state.ts';

const STATES = Object.keys(PAYMENT_TRANSITIONS) as PaymentState[];
const CLAIM_STATES: readonly ClaimState[] = ['forwarding', 'settling'];
/** The money is with the seller. */
const PAID: readonly PaymentState[] = [
  'undelivered',
  'delivering',
  'delivered',
  'delivered_in_part',
  'delivery_unknown',
  'redelivering',
];
/** The money was asked for, and may be with the seller. */
const ASKED: readonly PaymentState[] = ['settling', 'unknown'];

/** The whole machine, written down a second time. */
const LEGAL = new Set(
  Object.entries({
    forwarding: 'owed settling released uncharged',
    owed: 'owed settling',
    settling:
      'settling owed unknown delivering delivered undelivered delivered_in_part delivery_unknown failed defaulted',
    unknown: 'unknown owed delivered undelivered delivered_in_part delivery_unknown failed defaulted',
    undelivered: 'delivering',
    delivering: 'delivered undelivered delivered_in_part delivery_unknown',
    delivered: 'redelivering',
    delivered_in_part: 'redelivering',
    delivery_unknown: 'redelivering',
    redelivering: 'delivered delivered_in_part delivery_unknown',
    released: CLAIM_STATES.join(' '),
    failed: CLAIM_STATES.join(' '),
    defaulted: 'settling',
    uncharged: 'owed released',
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

  it('leave a debt only through another settlement', () => {
    expect(PAYMENT_TRANSITIONS.defaulted).toEqual(['settling']);
  });

  it('never lead from money that moved back to money that did not', () => {
    expect([...reachableFrom(PAID)].filter((state) => !PAID.includes(state))).toEqual([]);
  });

  it('never release a payment whose money was asked for without an outcome', () => {
    for (const state of ASKED) expect(PAYMENT_TRANSITIONS[state]).not.toContain('released');
  });

  it('never ask for money again while its outcome is in doubt', () => {
    for (const next of ['settling', 'delivering'] as const) expect(mayFollow('unknown', next)).toBe(false);
  });

  it('settle an owed payment, and release one only while the cost of its answer is unknown', () => {
    expect([...PAYMENT_TRANSITIONS.owed].sort()).toEqual(['owed', 'settling']);
    expect([...PAYMENT_TRANSITIONS.uncharged].sort()).toEqual(['owed', 'released']);
  });

  it('become paid only after the money was asked for', () => {
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

/**
 * Each set, written down a second time, in the order that the indexes of the SQL ledger have. One that changes, if only in
 * its order, needs a step of the schema that makes its index anew.
 */
const SETS: readonly (readonly [name: string, derived: readonly PaymentState[], states: string])[] = [
  ['held by a process', HELD, 'forwarding owed settling delivering redelivering uncharged'],
  ['open', OPEN, 'forwarding owed settling unknown delivering redelivering uncharged'],
  ['open without the money', UNSETTLED, 'forwarding owed settling unknown uncharged'],
  ['owed or in doubt', OWING, 'owed settling unknown uncharged'],
  ['settled', SETTLED, 'delivering redelivering delivered undelivered delivered_in_part delivery_unknown'],
  ['settled and at rest', RESTING, 'delivered undelivered delivered_in_part delivery_unknown'],
  ['deleted once they are old', PRUNABLE, 'delivered delivered_in_part delivery_unknown released failed defaulted'],
];

describe('the sets of states', () => {
  it.each(SETS)('that are %s follow from the table', (_, derived, states) => {
    expect(derived.join(' ')).toBe(states);
  });

  it('leave no state unattended: each is open, collectable or deleted later', () => {
    expect(STATES.filter((state) => !OPEN.includes(state) && !PRUNABLE.includes(state))).toEqual(['undelivered']);
  });
});
