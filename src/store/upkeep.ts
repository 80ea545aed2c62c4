import type { PaymentKey } from '../domain/payment.ts';
import type { PaymentRecord, Resolution } from '../domain/payment-record.ts';
import type { ClaimableState, PaymentState } from '../domain/payment-state.ts';

/** Milliseconds after its last beat from which a process counts as gone. */
export const OWNER_GONE_MS = 15_000;

/** Milliseconds until a settled transaction is looked at once more: a chain may take it back. */
export const SECOND_LOOK_MS = 60_000;

/** Open settlements of one state. */
export interface OpenCount {
  readonly state: PaymentState;
  readonly count: number;
  /** Unix milliseconds of the claim of the one that has been open for longest. */
  readonly oldestAt: number;
}

/** An asset as rows name it. */
export type OwedAsset = Pick<PaymentRecord, 'network' | 'asset'>;

/** What the ledger needs beside requests: who is alive, what was left open, what is old. */
export interface Upkeep {
  /**
   * Says that a process lives. One that has not said so for {@link OWNER_GONE_MS} has lost what it held.
   *
   * @param now Unix milliseconds, this process's clock; with several replicas their clocks have to agree within seconds
   */
  beat(owner: string, now: number): Promise<void>;
  /** Says that a process is about to end: what it holds is left open at once. */
  retire(owner: string): Promise<void>;
  /**
   * Takes payments that somebody has to look into:
   * - `unknown` ones whose `checkAt` has come, and `owed` ones whose `checkAt` is above 0 and has come: at 0 the answer
   *   is still on its way;
   * - those that a process left behind in `forwarding`, `owed`, `settling`, `delivering` or
   *   `redelivering` when it went;
   * - `defaulted` ones whose `checkAt` is above 0 and has come: the debt is asked for once more. Only when nothing is
   *   in doubt or left behind;
   * - settled ones (`delivered`, `undelivered`, `delivered_in_part`, `delivery_unknown`) whose `checkAt` is above 0 and has come: their
   *   transaction is looked at once more, for a chain may take it back. Only when there is nothing else to take.
   *
   * Taking is a change of the row: `owner` becomes the caller, `epoch` and `checks` grow by one, `checkAt` moves to
   * `now + holdMs`. However many processes ask at once, each row goes to one of them.
   */
  takeOpen(owner: string, now: number, holdMs: number, limit: number): Promise<readonly PaymentRecord[]>;
  /**
   * Ends the second look at a settled payment: `checkAt` becomes 0. Its `evidence` is forgotten, unless the answer can
   * still be collected. Its epoch stays, so that a request that is collecting it is not disturbed.
   */
  confirm(key: PaymentKey): Promise<void>;
  /**
   * Notes on a payment in one of {@link RESOLVABLE} that somebody has taken care of it, in the place of an earlier note.
   * Its state, its epoch and what becomes of it stay as they are. `undefined` when there is none in such a state.
   */
  resolve(key: PaymentKey, resolution: Resolution): Promise<PaymentRecord | undefined>;
  /**
   * How many settlements are open (`owed`, `settling`, `unknown`), and since when; states without any are left out, and
   * so is what an operator has taken care of.
   */
  countOpen(): Promise<readonly OpenCount[]>;
  /**
   * How many answers went out whose money has not moved (`owed`, and those in `settling` and `unknown` that are
   * {@link isOnCredit}), over all payers. Counts no further than `upTo`.
   */
  countOwed(upTo: number): Promise<number>;
  /**
   * The same of one payer, together with what it defaulted on: a debt counts until it is paid, or its row is forgotten.
   */
  countOwedBy(payer: string, upTo: number): Promise<number>;
  /**
   * What those of one asset come to, in atomic units, exactly: what is asked for, and where that is not known yet, the
   * most that can be. Of all payers, or of one together with what it defaulted on.
   */
  sumOwed(asset: OwedAsset, payer: string | undefined): Promise<bigint>;
  /**
   * Deletes rows in a final or claimable state that were last changed before `changedBefore` (Unix milliseconds) and
   * whose authorization ended before `expiredBefore` (Unix seconds): nothing that could be replayed or collected is
   * deleted. At most `limit` at a time; returns how many.
   */
  prune(changedBefore: number, expiredBefore: number, limit: number): Promise<number>;
  /**
   * Deletes rows whose money did not move and which were last changed before `changedBefore` (Unix milliseconds),
   * whether their authorization lives or not: with or without its row, such a payment can be claimed anew. At most
   * `limit` at a time; returns how many.
   */
  forgetUnmoved(state: ClaimableState, changedBefore: number, limit: number): Promise<number>;
}
