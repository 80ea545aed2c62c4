import type { ErrorCode } from '../../../src/domain/gateway-error.ts';
import type { PaymentState } from '../../../src/domain/payment-state.ts';
import type { Cell, FacilitatorFault } from './cells.ts';

/** What a buyer sees of one answer. */
export interface Answer {
  readonly status: number;
  /** `undefined` for the upstream's own answer. */
  readonly code: ErrorCode | undefined;
  /** What `PAYMENT-RESPONSE` says: `promised` is a success without a transaction yet. */
  readonly receipt: 'none' | 'paid' | 'promised' | 'failed';
  /** Whether it states the price again, which makes stock clients pay again. */
  readonly offer: boolean;
  readonly retryAfter: boolean;
  /** Whether the body arrived to its end. */
  readonly whole: boolean;
}

/** What ledger and chain say of a payment. */
export interface Standing {
  readonly state: PaymentState | 'none';
  /** Whether exactly one transfer of exactly the price is on the chain; `false` is none at all. */
  readonly paid: boolean;
}

/** What becomes of one payment in one cell. */
export interface Story {
  /** While the fault lasts. */
  readonly first: Answer;
  /** Where the row stands while nobody knows more, and what the same payment gets then. */
  readonly doubt: { readonly state: PaymentState; readonly answer: Answer } | undefined;
  /** The fault is over, and recovery has done what it can. */
  readonly rest: Standing;
  /** What the same payment gets then. */
  readonly again: Answer;
  readonly end: Standing;
}

const PLAIN: Answer = {
  status: 200,
  code: undefined,
  receipt: 'none',
  offer: false,
  retryAfter: false,
  whole: true,
};
const SERVED: Answer = { ...PLAIN, receipt: 'paid' };
const SERVED_ON_CREDIT: Answer = { ...PLAIN, receipt: 'promised' };
const UNKNOWN: Answer = { ...PLAIN, status: 503, code: 'settlement_unknown', retryAfter: true };
const IN_PROGRESS: Answer = { ...PLAIN, status: 409, code: 'payment_in_progress', retryAfter: true };
const USED: Answer = { ...PLAIN, status: 409, code: 'payment_already_used' };
const LOST: Answer = { ...PLAIN, status: 409, code: 'delivery_unknown', receipt: 'paid' };
const REFUSED: Answer = { ...PLAIN, status: 402, code: 'payment_refused', offer: true };
const NOT_SETTLED: Answer = { ...PLAIN, status: 402, code: 'settlement_failed', offer: true, receipt: 'failed' };
const UPSTREAM_FAILED: Answer = { ...PLAIN, status: 500 };
const UPSTREAM_DEAD: Answer = { ...PLAIN, status: 502, code: 'upstream_unreachable' };

const DELIVERED: Standing = { state: 'delivered', paid: true };

/**
 * What has to become of a cell by the contract of the gateway, stated without looking at what the gateway does.
 *
 * 1. What goes wrong before anybody was asked for the money costs nothing, and the payment can be used again.
 * 2. Once the money may have moved, no answer states the price again, and only proof ends the doubt.
 * 3. Who paid gets the answer without a second charge, or is told that the call may have run and is not run twice.
 */
export function storyOf(cell: Cell): Story {
  const { facilitator, upstream, settle } = cell;
  if (facilitator.kind === 'verify') return usable(cell, refusedAtVerify(facilitator), 'none');
  if (settle !== 'before') {
    if (upstream === '500') return usable(cell, UPSTREAM_FAILED, 'released');
    if (upstream === 'dead') return usable(cell, UPSTREAM_DEAD, 'released');
  }
  switch (facilitator.kind) {
    case 'none':
      return { first: paidAnswer(cell), doubt: undefined, ...collected(cell) };
    case 'settle':
      return facilitator.how === 'refuses' ? refusedAtSettle(cell) : goneAtSettle(cell);
    case 'doubt':
      return inDoubt(cell, facilitator);
  }
}

type Ending = Pick<Story, 'rest' | 'again' | 'end'>;

/** Nothing was taken, or it was given back: the same payment buys the answer as if for the first time. */
function usable({ settle }: Cell, first: Answer, state: 'none' | 'released' | 'failed'): Story {
  const again = settle === 'deferred' ? SERVED_ON_CREDIT : SERVED;
  return { first, doubt: undefined, rest: { state, paid: false }, again, end: DELIVERED };
}

function refusedAtVerify({ how }: Extract<FacilitatorFault, { kind: 'verify' }>): Answer {
  const unavailable = { ...PLAIN, status: 503, retryAfter: true };
  switch (how) {
    case 'refuses':
      return REFUSED;
    case '500':
    case 'garbage':
      return { ...unavailable, code: 'facilitator_invalid_answer' };
    case 'hangs':
      return { ...unavailable, code: 'facilitator_timeout' };
    case 'dies mid-answer':
      return { ...unavailable, code: 'facilitator_unreachable' };
  }
}

function refusedAtSettle(cell: Cell): Story {
  if (cell.settle !== 'deferred') return usable(cell, NOT_SETTLED, 'failed');
  // An answer that was broken off on credit is a debt as well: who leaves early would never owe.
  const defaulted: Standing = { state: 'defaulted', paid: false };
  const first = paidAnswer(cell);
  if (!isAnswered(cell)) return { first, doubt: undefined, rest: defaulted, again: REFUSED, end: defaulted };
  // What was delivered in full is asked for once more while it can be paid.
  return { first: SERVED_ON_CREDIT, doubt: { state: 'defaulted', answer: USED }, ...collected(cell) };
}

/** Nothing left the gateway. What was answered on credit is still owed, and asked for until it is paid. */
function goneAtSettle(cell: Cell): Story {
  if (cell.settle !== 'deferred') return usable(cell, NOT_SETTLED, 'failed');
  const answer = isAnswered(cell) ? USED : IN_PROGRESS;
  return { first: paidAnswer(cell), doubt: { state: 'owed', answer }, ...collected(cell) };
}

function inDoubt(cell: Cell, { moved, witness }: Extract<FacilitatorFault, { kind: 'doubt' }>): Story {
  const answered = isAnswered(cell);
  const meanwhile = answered ? USED : UNKNOWN;
  const first = cell.settle === 'deferred' ? paidAnswer(cell) : UNKNOWN;
  const doubt = { state: 'unknown', answer: meanwhile } as const;
  // The chain shows the transfer; a facilitator that did nothing settles when it is asked again.
  if (!moved || witness === 'chain') return { first, doubt, ...recovered(cell) };
  // Asked again, a facilitator only says that the authorization is used, which proves nothing: it stays in doubt.
  const stays: Standing = { state: 'unknown', paid: true };
  return { first, doubt, rest: stays, again: meanwhile, end: stays };
}

/** What a payment comes to whose doubt ended with proof of the transfer. */
function recovered(cell: Cell): Ending {
  if (isAnswered(cell)) return collected(cell);
  // With `settle: before` the upstream has not been asked yet, whatever it would have done.
  const ran = cell.settle !== 'before' && cell.upstream === 'dies mid-body of a POST';
  return ran ? lost() : undelivered();
}

/** What a payment comes to whose money moved, and whose answer went out as far as the upstream gave it. */
function collected({ upstream }: Cell): Ending {
  switch (upstream) {
    case 'fine':
      return { rest: DELIVERED, again: { ...USED, receipt: 'paid' }, end: DELIVERED };
    case '500':
    case 'dead':
    case 'dies mid-body':
      return undelivered();
    case 'dies mid-body of a POST':
      return lost();
  }
}

function undelivered(): Ending {
  return { rest: { state: 'undelivered', paid: true }, again: SERVED, end: DELIVERED };
}

function lost(): Ending {
  const standing: Standing = { state: 'delivery_unknown', paid: true };
  return { rest: standing, again: LOST, end: standing };
}

/** The answer on credit was out in full. */
function isAnswered({ settle, upstream }: Cell): boolean {
  return settle === 'deferred' && upstream === 'fine';
}

/** The upstream's answer with a receipt, as far as it came. */
function paidAnswer({ upstream, settle }: Cell): Answer {
  const receipt = settle === 'deferred' ? 'promised' : 'paid';
  switch (upstream) {
    case 'fine':
      return { ...PLAIN, receipt };
    case '500':
      return { ...UPSTREAM_FAILED, receipt };
    case 'dead':
      return { ...UPSTREAM_DEAD, receipt };
    case 'dies mid-body':
    case 'dies mid-body of a POST':
      return { ...PLAIN, receipt, whole: false };
  }
}
