import type { Network } from '../../domain/network.ts';
import type { Address } from '../../evm/address.ts';
import type { Journal } from '../facilitator.ts';
import { announceAttempt, encodeAttempt } from './settlement-attempt.ts';
import type { WriteDown } from './transaction-writer.ts';

/** Thrown while a shared transaction is written down, when some of its payments could not be announced: nothing was sealed. */
export class UnannouncedError extends Error {
  override readonly name = 'UnannouncedError';
  /** Why a payment could not be announced, by its place among the journals. */
  readonly faults: ReadonlyMap<number, unknown>;

  constructor(faults: ReadonlyMap<number, unknown>) {
    super('some payments of the batch could not be written down');
    this.faults = faults;
  }
}

/**
 * Writes a shared transaction down in the row of each of its payments before it is sent: `announce` in all rows, then
 * `seal` in all. `SettlementBatches` says what a crash in between does.
 *
 * @param own the account that sends it, and its network
 * @throws UnannouncedError, and the rejection of a journal that could not seal
 */
export function writeDownShared(
  { network, account }: { readonly network: Network; readonly account: Address },
  journals: readonly Journal[],
): WriteDown {
  return async (signed) => {
    const own = { account, signed };
    // Names the transaction without its bytes: it cannot be sent from that.
    const announcement = announceAttempt(network, own);
    const announced = await Promise.allSettled(journals.map((journal) => journal(announcement)));
    const faults = new Map<number, unknown>();
    announced.forEach((result, at) => {
      if (result.status === 'rejected') faults.set(at, result.reason);
    });
    if (faults.size > 0) throw new UnannouncedError(faults);
    // One text for all: it holds the bytes of all their payments.
    const seal = encodeAttempt(network, { ...own, shared: true });
    const sealed = await Promise.allSettled(journals.map((journal) => journal(seal)));
    // The recovery of any sealed payment may send the transaction later: none is given back, and recovery watches for
    // all.
    for (const result of sealed) if (result.status === 'rejected') throw result.reason;
  };
}
