/** The store cannot be opened: what failed, the facts line by line, and what to do. For people, without secrets. */
export class StoreOpenError extends Error {
  override readonly name = 'StoreOpenError';
}
