import type { PaymentRecord } from '../../domain/payment-record.ts';
import { DEFAULTED, HELD, RESTING } from '../../domain/payment-state.ts';
import { hasCome, OWNER_GONE_MS } from '../upkeep.ts';

/** What one process asks of `Upkeep.takeOpen`, and the last heartbeat of each process. */
export interface TakingTerms {
  readonly owner: string;
  readonly now: number;
  readonly living: number;
  readonly lost: number | undefined;
  readonly beats: ReadonlyMap<string, number>;
}

/** Whether a row is to be taken for recovery. */
export function isToTake(row: PaymentRecord, { owner, now, living, lost, beats }: TakingTerms): boolean {
  if (isDue(row, now)) return true;
  if (!HELD.includes(row.state)) return false;
  const isLost = row.owner === owner && row.checks > 0 && row.checkAt === lost;
  return isLost || isGone(beats.get(row.owner), living);
}

/** Whether the time of a row's next look has come, whichever processes live. */
function isDue({ state, checkAt }: PaymentRecord, now: number): boolean {
  const awaits = state === 'owed' || RESTING.includes(state) || DEFAULTED.includes(state);
  return hasCome(checkAt, now) && (state === 'unknown' || (awaits && checkAt > 0));
}

/** The same, but for open payments whose clock was put back. */
export function isAwaiting(row: PaymentRecord, now: number): boolean {
  const isOpen = row.state === 'unknown' || row.state === 'owed';
  return isDue(row, now) && (!isOpen || row.checkAt <= now);
}

/** The processes that live, by their heartbeats. */
export function livingIn(beats: TakingTerms['beats'], living: number): ReadonlySet<string> {
  return new Set([...beats.keys()].filter((owner) => !isGone(beats.get(owner), living)));
}

/** Whether a process counts as gone. */
export function isGone(beatAt: number | undefined, now: number): boolean {
  return (beatAt ?? Number.NEGATIVE_INFINITY) <= now - OWNER_GONE_MS;
}
