import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import type { LedgerReader } from '../../../src/store/ledger-reader.ts';
import type { PaymentStore } from '../../../src/store/payment-store.ts';
import { openPostgresReader } from '../../../src/store/postgres/postgres-ledger.ts';
import { openSqliteLedger, openSqliteReader } from '../../../src/store/sqlite/sqlite-ledger.ts';
import { openPostgres } from '../postgres.ts';
import { openPatiently } from './patient-ledger.ts';

/** The engines that a durable ledger runs on. */
export const SQL_ENGINES = ['SQLite', 'PostgreSQL'] as const;

/** Where ledgers of one engine are. */
export interface SqlPlaces {
  /** A place without a ledger: a path, or the URL of an empty database. */
  newPlace(): Promise<string>;
  /** As `store` of the configuration has it. */
  storeText(place: string): string;
  openWriter(place: string, clock?: () => number): Promise<PaymentStore>;
  openReader(place: string): Promise<LedgerReader>;
  /** Runs a statement behind the gateway's back. */
  query(place: string, text: string): Promise<void>;
  dispose(): Promise<void>;
}

/** Opens places for ledgers of an engine. */
export async function openSqlPlaces(engine: (typeof SQL_ENGINES)[number]): Promise<SqlPlaces> {
  return engine === 'SQLite' ? await sqlitePlaces() : await postgresPlaces();
}

async function sqlitePlaces(): Promise<SqlPlaces> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-places-'));
  let places = 0;
  return {
    newPlace: async () => {
      places += 1;
      return join(folder, `ledger-${places}.db`);
    },
    storeText: (place) => `sqlite:${place}`,
    openWriter: (place, clock) => openSqliteLedger(place, clock && { clock }),
    openReader: (place) => openSqliteReader(place),
    query: async (place, text) => {
      const database = new DatabaseSync(place, { enableForeignKeyConstraints: false });
      database.exec(text);
      database.close();
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

async function postgresPlaces(): Promise<SqlPlaces> {
  const postgres = await openPostgres();
  return {
    newPlace: () => postgres.createDatabase(),
    storeText: (place) => place,
    openWriter: (place, clock) => openPatiently(place, clock && { clock }),
    openReader: (place) => openPostgresReader(place),
    query: async (place, text) => {
      const client = new Client({ connectionString: place });
      await client.connect();
      await client.query(text);
      await client.end();
    },
    dispose: () => postgres.dispose(),
  };
}
