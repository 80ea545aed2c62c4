/** How far back a transfer is looked for whose claim lies in the future, in seconds. */
const PUT_BACK_SECONDS = 900;

/**
 * When a payment was claimed by its chain's clock, in Unix seconds; never later than it was. Our clock may be ahead of
 * the chain's. If the claim lies in the future, our clock was ahead and has been put back since: how far is not known,
 * and a look from the claimed time on would miss the transfer.
 *
 * @param since Unix milliseconds of the claim, by our clock at that time
 * @param now Unix milliseconds, by our clock
 * @param chain Unix seconds of the chain's newest block
 */
export function claimTime(since: number, now: number, chain: number): number {
  return since > now ? chain - PUT_BACK_SECONDS : Math.min(since / 1000, chain - (now - since) / 1000);
}
