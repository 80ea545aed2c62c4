/**
 * Words of servers for a settlement of which they do not know the outcome, or which was made before. Many answer 402 to
 * that, as to a payment that is not good, and a client that pays again is charged twice.
 */
const DOUBTFUL =
  /pending|time[ds]?[ _-]?out|unexpected[ _]settle|duplicate[ _]settlement|already[ _]used|node[ _]failure|unknown[ _]error|unavailable|settlement[ _]failed/i;

/** Whether a 402 with this reason may come from a server that has sent the payment. */
export function leavesDoubt(reason: string): boolean {
  return DOUBTFUL.test(reason);
}

/** Words for a settlement that is under way. All others that leave doubt may be said of one that is over, too. */
const UNDER_WAY = /pending|time[ds]?[ _-]?out/i;

/** Whether a 402 with this reason says that the payment may still be taken, where that was sent before. */
export function isUnderWay(reason: string): boolean {
  return UNDER_WAY.test(reason);
}
