/** Most attempts: a rough result in seconds is better than the smallest one in minutes. */
const MOST_TRIES = 150;

/**
 * Removes what a failing case does not need: pieces of half its length, then of a quarter, and so on.
 *
 * @param fails whether these bytes still fail
 */
export async function minimised(bytes: Buffer, fails: (bytes: Buffer) => Promise<boolean>): Promise<Buffer> {
  let least = bytes;
  let tries = 0;
  for (let length = Math.ceil(bytes.length / 2); length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let at = 0; at < least.length && tries < MOST_TRIES; ) {
      tries += 1;
      const shorter = Buffer.concat([least.subarray(0, at), least.subarray(at + length)]);
      if (shorter.length > 0 && (await fails(shorter))) least = shorter;
      else at += length;
    }
  }
  return least;
}
