/** Reasons of the specification that are about the time of a payment. */
const OF_TIME: ReadonlySet<string> = new Set([
  'invalid_exact_evm_payload_authorization_valid_before',
  'invalid_exact_evm_payload_authorization_valid_after',
  'permit2_deadline_expired',
  'permit2_not_yet_valid',
]);

/**
 * What a buyer whose clock is wrong has to know: the gateway's time, and the payment's end by it. `undefined` for reasons
 * that are not about time.
 *
 * @param expiresAt Unix seconds
 * @param now Unix milliseconds
 */
export function timeWords(reason: string, expiresAt: number, now: number): string | undefined {
  if (!OF_TIME.has(reason)) return undefined;
  const time = Math.floor(now / 1000);
  const ends = expiresAt < time ? `ended ${time - expiresAt} s before` : `ends ${expiresAt - time} s after`;
  return `The payment ${ends} ${new Date(time * 1000).toISOString()}, which is the time here.`;
}
