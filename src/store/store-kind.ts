import type { StoreForm } from '../domain/store-spec.ts';
import type { LedgerReader } from './ledger-reader.ts';
import type { PaymentStore } from './payment-store.ts';

/** A kind of store. One folder each under `src/store`, one line in `src/registry.ts`. */
export interface StoreKind extends StoreForm {
  /** The store's name for operators, without a password. */
  describe(location: string): string;
  /**
   * Opens the store; resolves once it is reachable and of this version.
   *
   * @throws StoreOpenError
   */
  open(location: string): Promise<PaymentStore>;
  /** How other processes read the store, without changes. Absent where they cannot. */
  readonly reading?: {
    /** Why there is nothing to read, for operators; `undefined` where there may be something. */
    whyMissing(location: string): string | undefined;
    /** @throws StoreOpenError */
    open(location: string): Promise<LedgerReader>;
  };
}
