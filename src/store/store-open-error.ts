/** The store cannot be opened: what failed, the facts line by line, and what to do. For people, without secrets. */
export class StoreOpenError extends Error {
  override readonly name: string = 'StoreOpenError';
}

/** What `store` names is no ledger but something of another program: the configuration is wrong. */
export class ForeignStoreError extends StoreOpenError {
  override readonly name = 'ForeignStoreError';
}
