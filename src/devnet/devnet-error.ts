/** The development chain cannot be had: what failed, the facts line by line, and what to do. Made for people. */
export class DevnetError extends Error {
  override readonly name = 'DevnetError';
}
