/** No development chain is available: what failed, the facts line by line, and what to do. Written for people. */
export class DevnetError extends Error {
  override readonly name = 'DevnetError';
}
