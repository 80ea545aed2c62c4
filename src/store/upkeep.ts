import type { PaymentKey } from '../domain/payment.ts';
import type { PaymentRecord, Resolution } from '../domain/payment-record.ts';
import type { ClaimableState, PaymentState } from '../domain/payment-state.ts';

/** Milliseconds after its last heartbeat from which a process counts as gone. */
export const OWNER_GONE_MS = 15_000;

/** Milliseconds until a settled transaction is checked again: a chain may take it back. */
export const SECOND_LOOK_MS = 60_000;

/**
 * The longest that a look may lie ahead, in milliseconds: every wait for one is shorter. One that lies further ahead was
 * set by a clock that has been put back since, and has come.
 */
export const LONGEST_AHEAD_MS = 180_000;

/** Whether a look has come, at its time or by {@link LONGEST_AHEAD_MS}. */
export function hasCome(checkAt: number, now: number): boolean {
  return checkAt <= now || checkAt > now + LONGEST_AHEAD_MS;
}

/** Open settlements of one state. */
export interface OpenCount {
  readonly state: PaymentState;
  readonly count: number;
  /** Unix milliseconds of the claim of the oldest one. */
  readonly oldestAt: number;
}

/** An asset as rows name it. */
export type OwedAsset = Pick<PaymentRecord, 'network' | 'asset'>;

/** Upkeep of the ledger beside requests: which processes live, what was left open, what is old. */
export interface Upkeep {
  /**
   * Records a heartbeat. A process without one for {@link OWNER_GONE_MS} has lost what it held.
   *
   * @param now Unix milliseconds of this process's clock; the clocks of replicas have to agree within seconds
   */
  beat(owner: string, now: number): Promise<void>;
  /** Records that a process ends: what it holds is open at once. */
  retire(owner: string): Promise<void>;
  /**
   * The processes that live: each has had a heartbeat for less than {@link OWNER_GONE_MS}.
   *
   * @param living the time by which processes count as gone
   */
  livingOwners(living: number): Promise<ReadonlySet<string>>;
  /**
   * Takes payments that recovery has to look into:
   * - `unknown` ones whose `checkAt` has come, and `owed` ones whose `checkAt` is above 0 and has come: at 0 the answer
   *   is still on its way, and until it has come the process settles it whose answer it was;
   * - those that a process left behind in `forwarding`, `owed`, `settling`, `delivering`, `redelivering` or
   *   `uncharged`;
   * - `defaulted` ones whose `checkAt` is above 0 and has come: the debt is asked for once more. Only when nothing is
   *   in doubt or left behind;
   * - settled ones (`delivered`, `undelivered`, `delivered_in_part`, `delivery_unknown`) whose `checkAt` is above 0 and has come: their
   *   transaction is looked at once more, for a chain may take it back. Only when there is nothing else to take.
   *
   * A `checkAt` more than {@link LONGEST_AHEAD_MS} ahead has come, too: the clock was put back.
   *
   * Taking is a change of the row: `owner` becomes the caller, `epoch` and `checks` grow by one, `checkAt` moves to
   * `now + holdMs`. However many processes ask at once, each row goes to one of them.
   *
   * @param living the time by which processes count as gone; earlier than `now` after a clock has jumped ahead
   * @param lost the `checkAt` of an earlier taking of this process of which no reply came. If it was written after all,
   *   its rows belong to a living process that does not know of them: they are taken again
   */
  takeOpen(
    owner: string,
    now: number,
    holdMs: number,
    limit: number,
    living?: number,
    lost?: number,
  ): Promise<readonly PaymentRecord[]>;
  /**
   * Takes as {@link takeOpen} does, but for what processes left behind, and for open payments whose look a clock that was
   * put back has set. It costs the same however much is open, where {@link takeOpen} reads all of it.
   */
  takeDue(owner: string, now: number, holdMs: number, limit: number): Promise<readonly PaymentRecord[]>;
  /**
   * Takes `owed` payments whose `checkAt` is above 0 and has come, in the same way, and no others. It costs the same
   * however much is open; what a clock that was put back has set is left to {@link takeOpen}.
   */
  takeOwed(owner: string, now: number, holdMs: number, limit: number): Promise<readonly PaymentRecord[]>;
  /**
   * Ends the second look at a settled payment: `checkAt` becomes 0. Its `evidence` is deleted, unless the answer can
   * still be collected. Its epoch stays, so that a request that is collecting it is not disturbed.
   */
  confirm(key: PaymentKey): Promise<void>;
  /**
   * Notes on a payment in one of {@link RESOLVABLE} that an operator has taken care of it, replacing an earlier note.
   * State and epoch do not change. `undefined` when there is no such payment in such a state.
   */
  resolve(key: PaymentKey, resolution: Resolution): Promise<PaymentRecord | undefined>;
  /**
   * How many settlements are open (`owed`, `settling`, `unknown`), and since when. States without any are left out, and
   * so are payments that an operator has ticked off.
   */
  countOpen(): Promise<readonly OpenCount[]>;
  /**
   * How many answers went out whose money has not moved (`owed`, and those in `settling` and `unknown` that are {@link
   * isOnCredit}), over all payers. Stops at `upTo`.
   */
  countOwed(upTo: number): Promise<number>;
  /** The same of one payer, with what it defaulted on: a debt counts until it is paid, or its row is deleted. */
  countOwedBy(payer: string, upTo: number): Promise<number>;
  /**
   * The sum of the money owed in one asset, in atomic units, exactly. Each payment counts with the amount that is asked
   * for, or with the maximum where that amount is not known yet. Of all payers, or of one with its defaults.
   */
  sumOwed(asset: OwedAsset, payer: string | undefined): Promise<bigint>;
  /**
   * Deletes rows in a final or claimable state that were last changed before `changedBefore` (Unix milliseconds) and
   * whose authorization expired before `expiredBefore` (Unix seconds): nothing that could be replayed or collected is
   * deleted. At most `limit` at a time; returns how many.
   */
  prune(changedBefore: number, expiredBefore: number, limit: number): Promise<number>;
  /**
   * Deletes rows whose money did not move and which were last changed before `changedBefore` (Unix milliseconds),
   * whether their authorization is still valid or not: with or without its row, such a payment can be claimed anew. At
   * most `limit` at a time; returns how many.
   */
  forgetUnmoved(state: ClaimableState, changedBefore: number, limit: number): Promise<number>;
}
