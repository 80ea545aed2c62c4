import type { StoreSpec } from '../../domain/store-spec.ts';
import { openStore, type Registry, storeKind } from '../../registry.ts';
import type { LedgerReader } from '../../store/ledger-reader.ts';
import type { PaymentStore } from '../../store/payment-store.ts';

/** Number of payments from which a ledger counts as large: counting up to it takes some milliseconds in an index. */
const LARGE_ROWS = 20_000;

/** The ledger as the admin page reads it. */
export type AdminBooks = Omit<LedgerReader, 'close'>;

/** What the admin page may change. */
export type AdminActs = Pick<PaymentStore, 'resolve'> & { readonly passes: Pick<PaymentStore['passes'], 'revokePass'> };

/**
 * The ledger for the admin page. Reads use a connection of their own (for SQLite a thread of its own), opened at the
 * first look, for which the store refuses every write: a long read delays no payment. A process without a store, the
 * primary of several workers, reads and acts in the same way. Only a ledger in memory is read directly.
 */
export class LedgerAccess {
  readonly #spec: StoreSpec;
  readonly #registry: Pick<Registry, 'storeKinds'>;
  readonly #store: PaymentStore | undefined;
  #reader: Promise<LedgerReader> | undefined;
  #closed = false;

  /** @param store the store of this process, where it has one */
  constructor(spec: StoreSpec, registry: Pick<Registry, 'storeKinds'>, store?: PaymentStore) {
    this.#spec = spec;
    this.#registry = registry;
    this.#store = store;
  }

  /**
   * Opens the ledger for reading.
   *
   * @throws StoreOpenError
   */
  async books(): Promise<AdminBooks> {
    if (this.#closed) throw new Error('the admin page is closed');
    const { reading } = storeKind(this.#spec, this.#registry);
    if (reading === undefined) {
      if (this.#store === undefined) throw new Error('the ledger lives in the memory of another process');
      return this.#store;
    }
    this.#reader ??= reading.open(this.#spec.location);
    const reader = this.#reader;
    try {
      return await reader;
    } catch (fault) {
      // Opened again the next time.
      if (this.#reader === reader) this.#reader = undefined;
      throw fault;
    }
  }

  /** Whether adding its payments up takes so long that it is done ahead. */
  async isLarge(): Promise<boolean> {
    const books = this.#store ?? (await this.books());
    return (await books.skip(undefined, LARGE_ROWS)) !== undefined;
  }

  /**
   * Changes the ledger, by this process's store, or else by one that is opened for it.
   *
   * @throws StoreOpenError
   */
  async act<T>(deed: (store: AdminActs) => Promise<T>): Promise<T> {
    if (this.#store !== undefined) return await deed(this.#store);
    const store = await openStore(this.#spec, this.#registry);
    try {
      return await deed(store);
    } finally {
      await store.close();
    }
  }

  /** Closes what was opened here; the process closes its own store. */
  async close(): Promise<void> {
    this.#closed = true;
    const reader = this.#reader;
    this.#reader = undefined;
    await reader?.then(
      (open) => open.close(),
      () => undefined,
    );
  }
}
