/**
 * The facts of each state. They are stated here only: every set of states below, every condition of the SQL ledger and
 * every index of it follows from these columns.
 *
 * | column | says |
 * |---|---|
 * | `money` | `unasked`: it was not asked for. `due`: the answer is out, or going out, and the money is still to be asked for. `asked`: it may have moved. `moved`: it is with the seller. `refused`: it was asked for, and did not move |
 * | `held` | a process is at work on the payment; the payment stays open when the process is gone |
 * | `collectable` | the same payment may still get its answer without a new charge |
 * | `claimable` | a new claim may take the payment: its money did not move and is not being moved |
 *
 * The order of the rows is the order in which sets and their SQL name the states.
 */
const STATE_FACTS = {
  /** The upstream is working (`settle: after`); the answer has not begun. */
  forwarding: { money: 'unasked', held: true, collectable: false, claimable: false },
  /**
   * The answer is going out, or gone (`settle: deferred`). Rows are marked `answered` once all of it is out, with the
   * attempt to settle at the latest.
   */
  owed: { money: 'due', held: true, collectable: false, claimable: false },
  /** The outcome is not known yet; the answer is withheld, unless the row is `answered`. */
  settling: { money: 'asked', held: true, collectable: false, claimable: false },
  /** The outcome is in doubt; the answer is withheld, unless the row is `answered`. Only proof leads out. */
  unknown: { money: 'asked', held: false, collectable: false, claimable: false },
  /** A request is delivering the answer. */
  delivering: { money: 'moved', held: true, collectable: true, claimable: false },
  /** A request hands out the kept answer once more; no call is made. */
  redelivering: { money: 'moved', held: true, collectable: false, claimable: false },
  /** Delivered in full: final. */
  delivered: { money: 'moved', held: false, collectable: false, claimable: false },
  /** Not delivered: the same payment may collect the answer. */
  undelivered: { money: 'moved', held: false, collectable: true, claimable: false },
  /** The buyer left while the answer of an unsafe call was going out. Final, but for a kept answer. */
  delivered_in_part: { money: 'moved', held: false, collectable: false, claimable: false },
  /** An unsafe call may have run: it is never made again. Final. */
  delivery_unknown: { money: 'moved', held: false, collectable: false, claimable: false },
  /** The payment can be used again. */
  released: { money: 'unasked', held: false, collectable: false, claimable: true },
  /** The answer is withheld; the payment can be tried again, from verification on. */
  failed: { money: 'refused', held: false, collectable: false, claimable: true },
  /** The answer is gone without money (`settle: deferred`): a debt of the payer. The payment buys nothing any more. */
  defaulted: { money: 'refused', held: false, collectable: false, claimable: false },
  /**
   * The answer is going out, and has not said yet what it costs. It has a state of its own, so that a version that does
   * not know the state does not take the payment over: it would ask for the whole price.
   */
  uncharged: { money: 'due', held: true, collectable: false, claimable: false },
} as const satisfies Readonly<Record<string, StateFacts>>;

/** What one row of the table says. */
interface StateFacts {
  readonly money: 'unasked' | 'due' | 'asked' | 'moved' | 'refused';
  readonly held: boolean;
  readonly collectable: boolean;
  readonly claimable: boolean;
}

/** Where a payment stands. */
export type PaymentState = keyof typeof STATE_FACTS;

/**
 * Every legal step, with the invariant that it keeps. A step that is not here does not exist.
 *
 * What a crash does to a row:
 *
 * - `forwarding`: no money was asked for, the row is released.
 * - `uncharged`: its answer broke off, the row is released.
 * - `settling`: resolved by proof.
 * - `owed`: settled by another process.
 * - `delivering`: goes back to `undelivered` for safe methods, and to `delivery_unknown` for others.
 */
export const PAYMENT_TRANSITIONS: Readonly<Record<PaymentState, readonly PaymentState[]>> = {
  // The money was not asked for yet: leaving costs nothing.
  forwarding: ['owed', 'settling', 'released', 'uncharged'],
  // Bytes are out: the money is owed in any case, or a client that breaks off would get them for nothing.
  owed: ['owed', 'settling'],
  // Only an answer or proof leads out of this state, never an expired lease. To itself: the attempt is written down;
  // back to `owed`: nothing was sent, and it will be tried again.
  settling: [
    'settling',
    'delivering',
    'delivered',
    'undelivered',
    'delivered_in_part',
    'delivery_unknown',
    'failed',
    'defaulted',
    'unknown',
    'owed',
  ],
  // To itself: looked into, and still in doubt. Back to `owed`: proof that nothing moved, while it still can.
  unknown: [
    'unknown',
    'owed',
    'delivered',
    'undelivered',
    'delivered_in_part',
    'delivery_unknown',
    'failed',
    'defaulted',
  ],
  // The money moved: no step leads back to a state without it.
  undelivered: ['delivering'],
  delivering: ['delivered', 'undelivered', 'delivered_in_part', 'delivery_unknown'],
  // A kept answer can be handed out once more; the call is never made again.
  delivered: ['redelivering'],
  delivered_in_part: ['redelivering'],
  delivery_unknown: ['redelivering'],
  redelivering: ['delivered', 'delivered_in_part', 'delivery_unknown'],
  // A new claim begins again, with a higher epoch.
  released: ['forwarding', 'settling'],
  failed: ['forwarding', 'settling'],
  // Served without money: the same payment buys nothing any more. It is asked for again while it can move money.
  defaulted: ['settling'],
  // To `owed`: with what it costs. To `released`: it costs nothing, or broke off before it said what.
  uncharged: ['owed', 'released'],
};

/** A state that a claim may begin in; `settling` writes ahead that money is about to be asked for, in one act. */
export type ClaimState = 'forwarding' | 'settling';

/** A state that a claim may take a payment from. */
export type ClaimableState = {
  [State in PaymentState]: (typeof STATE_FACTS)[State]['claimable'] extends true ? State : never;
}[PaymentState];

/** Whether `to` may directly follow `from`. A claim is such a step, too. */
export function mayFollow(from: PaymentState, to: PaymentState): boolean {
  return PAYMENT_TRANSITIONS[from].includes(to);
}

/** Whether a payment in this state can be claimed again: its money did not move and is not being moved. */
export function isClaimable(state: PaymentState): boolean {
  return STATE_FACTS[state].claimable;
}

/** Whether a process is at work on a payment in this state. */
export function isHeld(state: PaymentState): boolean {
  return STATE_FACTS[state].held;
}

/** Whether a text is the name of a state. */
export function isState(text: string): text is PaymentState {
  return Object.hasOwn(STATE_FACTS, text);
}

/** The states that a step to `to` may start from. Leaving a claimable one takes a claim, not a step. */
export function predecessors(to: PaymentState): readonly PaymentState[] {
  return STATES.filter((from) => !isClaimable(from) && mayFollow(from, to));
}

/** Every state. */
export const STATES: readonly PaymentState[] = Object.keys(STATE_FACTS).filter(isState);
/** A claim may take the payment over. */
export const CLAIMABLE: readonly PaymentState[] = statesWhere(({ claimable }) => claimable);
/** A process holds the payment; the payment stays open when the process is gone. */
export const HELD: readonly PaymentState[] = statesWhere(({ held }) => held);
/** Recovery may have to take the payment: its process may be gone, or its money is in doubt. */
export const OPEN: readonly PaymentState[] = statesWhere(isOpen);
/** Open, and its money did not move as far as is known: its facilitator may still be asked about it. */
export const UNSETTLED: readonly PaymentState[] = statesWhere((facts) => isOpen(facts) && facts.money !== 'moved');
/** The answer is out, and its money did not move when it was asked for. */
export const DEFAULTED: readonly PaymentState[] = ['defaulted'];
/** The money did not move, and is not being moved: a kept answer cannot be collected. */
export const ENDS_UNPAID: readonly PaymentState[] = [...CLAIMABLE, ...DEFAULTED];
/** The money moved. */
export const SETTLED: readonly PaymentState[] = statesWhere(({ money }) => money === 'moved');
/** The money moved, and no request is at work. */
export const RESTING: readonly PaymentState[] = statesWhere(({ money, held }) => money === 'moved' && !held);
/** The money moved, and the same payment may still get its answer. */
export const COLLECTABLE: readonly PaymentState[] = statesWhere(({ collectable }) => collectable);
/** An operator may have to find out, or to settle with the buyer, outside of the gateway. */
export const NEEDS_SOMEBODY: readonly PaymentState[] = ['unknown', 'undelivered', 'delivery_unknown', 'defaulted'];
/** An operator may note that they took care of it. */
export const RESOLVABLE: readonly PaymentState[] = [...NEEDS_SOMEBODY, 'delivered_in_part'];
/** The money has not moved as far as is known, and still may. Where the row is `answered` or `owed`, the answer is out. */
export const OWING: readonly PaymentState[] = statesWhere(({ money }) => money === 'due' || money === 'asked');
/** Nothing is left to do and nothing paid is left to collect: these may be deleted once they are old. */
export const PRUNABLE: readonly PaymentState[] = statesWhere((facts) => !isOpen(facts) && !facts.collectable);

function isOpen({ held, money }: StateFacts): boolean {
  return held || money === 'asked';
}

function statesWhere(holds: (facts: StateFacts) => boolean): readonly PaymentState[] {
  return STATES.filter((state) => holds(STATE_FACTS[state]));
}
