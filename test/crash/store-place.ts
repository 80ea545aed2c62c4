import { join } from 'node:path';
import type { StoreSpec } from '../../src/domain/store-spec.ts';
import { openPostgres } from '../support/postgres.ts';

/** Stores that outlive a process. */
export type StoreKind = 'sqlite' | 'postgres';

/** Where the ledger of a run is. */
export interface StorePlace {
  /** As the configuration's `store` takes it. */
  readonly setting: string;
  readonly spec: StoreSpec;
  dispose(): Promise<void>;
}

/** Prepares an empty ledger; a file goes to `folder`. */
export async function makeStorePlace(kind: StoreKind, folder: string): Promise<StorePlace> {
  switch (kind) {
    case 'sqlite': {
      const path = join(folder, 'ledger.db');
      return { setting: `sqlite:${path}`, spec: { kind, location: path, lasting: true }, dispose: async () => {} };
    }
    case 'postgres': {
      const server = await openPostgres();
      const url = await server.createDatabase();
      return { setting: url, spec: { kind, location: url, lasting: true }, dispose: () => server.dispose() };
    }
  }
}
