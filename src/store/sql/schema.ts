import { setTimeout as wait } from 'node:timers/promises';
import { StoreOpenError } from '../store-open-error.ts';
import { DAY, MOVED } from './book-statements.ts';
import { IS_CLAIMABLE, IS_DEFAULTED, IS_OPEN, IS_OWED, IS_PRUNABLE, IS_RESTING } from './conditions.ts';
import {
  foreign,
  readColumns,
  refuseForeignTables,
  refuseForeignVersions,
  refuseOtherSchema,
  tablesMadeBy,
} from './foreign-tables.ts';
import type { Dialect } from './sql-engine.ts';

/** One row as the driver gives it. */
export type SchemaRow = Readonly<Record<string, unknown>>;

/** One connection on which nothing else runs. */
export interface SchemaSession {
  run(text: string): readonly SchemaRow[] | Promise<readonly SchemaRow[]>;
}

/** What a version of the schema adds to the one before. Never edited once released: a change is a new entry. */
type Migration = (dialect: Dialect) => readonly string[];

const MIGRATIONS: readonly Migration[] = [
  ({ text, bytes }) => [
    // Amounts are decimal text: the engines have no common type of number that holds 256 bits exactly.
    `CREATE TABLE turnpike_payments (
      key ${text} NOT NULL PRIMARY KEY, fingerprint ${text} NOT NULL, digest ${text} NOT NULL,
      request_id ${text} NOT NULL, route ${text} NOT NULL, payer ${text} NOT NULL, network ${text} NOT NULL,
      asset ${text} NOT NULL, amount ${text} NOT NULL, pay_to ${text} NOT NULL, scheme ${text} NOT NULL,
      claimed_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, state ${text} NOT NULL, owner ${text} NOT NULL,
      facilitator ${text} NOT NULL, evidence ${text}, identifier ${text}, epoch BIGINT NOT NULL,
      settled_transaction ${text}, settled_payer ${text}, settled_amount ${text}, settled_extensions ${text}, settled_at BIGINT,
      attempt_transaction ${text}, attempt_data ${text}, body_digest ${text}, answered SMALLINT NOT NULL,
      deliveries BIGINT NOT NULL,
      checks BIGINT NOT NULL, check_at BIGINT NOT NULL, reason ${text}, changed_at BIGINT NOT NULL
    )`,
    `CREATE UNIQUE INDEX turnpike_payments_identifier ON turnpike_payments (identifier)
      WHERE identifier IS NOT NULL AND state NOT IN ('released', 'failed')`,
    // Queries write the conditions in the same words: by these an engine knows that an index fits.
    `CREATE INDEX turnpike_payments_open ON turnpike_payments (state, check_at)
      WHERE state IN ('reserved', 'forwarding', 'owed', 'settling', 'delivering', 'redelivering', 'unknown')`,
    `CREATE INDEX turnpike_payments_look_again ON turnpike_payments (check_at)
      WHERE check_at > 0 AND state IN ('delivered', 'undelivered', 'delivery_unknown')`,
    'CREATE INDEX turnpike_payments_claimed ON turnpike_payments (claimed_at, key)',
    `CREATE INDEX turnpike_payments_prunable ON turnpike_payments (expires_at)
      WHERE state IN ('delivered', 'delivery_unknown', 'released', 'failed', 'defaulted')`,
    `CREATE TABLE turnpike_owners (owner ${text} NOT NULL PRIMARY KEY, beat_at BIGINT NOT NULL)`,
    `CREATE TABLE turnpike_answers (
      key ${text} NOT NULL PRIMARY KEY REFERENCES turnpike_payments (key) ON DELETE CASCADE,
      status BIGINT NOT NULL, status_text ${text} NOT NULL, headers ${text} NOT NULL, body ${bytes} NOT NULL,
      request_id ${text} NOT NULL, request_digest ${text}
    )`,
    // An offer may be longer than an index entry: its digest is the key.
    `CREATE TABLE turnpike_quotes (
      digest ${text} NOT NULL PRIMARY KEY, route ${text} NOT NULL, offer ${text} NOT NULL, seen_at BIGINT NOT NULL
    )`,
    'CREATE INDEX turnpike_quotes_seen ON turnpike_quotes (seen_at)',
  ],
  ({ text }) => [
    // `bought` is NULL where only time ends a pass. `lending` is the grant of the last lease. `ended_at` is the time
    // when the pass ended or will end, as far as is known. `extendable` is 1 for the pass that a further payment
    // extends.
    `CREATE TABLE turnpike_passes (
      id ${text} NOT NULL PRIMARY KEY, scope ${text} NOT NULL, family ${text} NOT NULL, payer ${text} NOT NULL,
      opens ${text} NOT NULL, version ${text} NOT NULL, expires_at BIGINT, bought BIGINT, available BIGINT NOT NULL,
      lent BIGINT NOT NULL, lending BIGINT NOT NULL, issued_at BIGINT NOT NULL, revoked_at BIGINT, ended_at BIGINT,
      extendable SMALLINT NOT NULL
    )`,
    `CREATE UNIQUE INDEX turnpike_passes_extendable ON turnpike_passes (scope, family, payer, version)
      WHERE extendable = 1`,
    'CREATE INDEX turnpike_passes_issued ON turnpike_passes (issued_at, id)',
    'CREATE INDEX turnpike_passes_revoked ON turnpike_passes (revoked_at) WHERE revoked_at IS NOT NULL',
    'CREATE INDEX turnpike_passes_ended ON turnpike_passes (ended_at) WHERE ended_at IS NOT NULL',
    // What each payment bought: a payment buys once. A row without a pass is a grant under way.
    `CREATE TABLE turnpike_pass_payments (
      payment ${text} NOT NULL PRIMARY KEY, pass ${text} REFERENCES turnpike_passes (id) ON DELETE CASCADE,
      granted_at BIGINT NOT NULL
    )`,
    'CREATE INDEX turnpike_pass_payments_pass ON turnpike_pass_payments (pass)',
    `CREATE TABLE turnpike_nonces (nonce ${text} NOT NULL PRIMARY KEY, until_at BIGINT NOT NULL)`,
    'CREATE INDEX turnpike_nonces_until ON turnpike_nonces (until_at)',
    // One row: the key that every process uses.
    `CREATE TABLE turnpike_token_keys (slot SMALLINT NOT NULL PRIMARY KEY, id ${text} NOT NULL, secret ${text} NOT NULL)`,
  ],
  ({ text }) => [
    // Events that wait for receivers: a copy for each receiver, deleted after delivery. `attempts` is the fence of the
    // process that has taken the copy until `due_at`.
    `CREATE TABLE turnpike_events (
      hook ${text} NOT NULL, id ${text} NOT NULL, type ${text} NOT NULL, created_at BIGINT NOT NULL, due_at BIGINT NOT NULL,
      attempts BIGINT NOT NULL, payment ${text} NOT NULL, route ${text} NOT NULL, request_id ${text} NOT NULL,
      payer ${text} NOT NULL, network ${text} NOT NULL, asset ${text} NOT NULL, amount ${text} NOT NULL,
      pay_to ${text} NOT NULL, scheme ${text} NOT NULL, settled_transaction ${text}, settled_at BIGINT,
      PRIMARY KEY (hook, id)
    )`,
    'CREATE INDEX turnpike_events_due ON turnpike_events (hook, due_at)',
    'CREATE INDEX turnpike_events_created ON turnpike_events (created_at)',
  ],
  () => [
    `CREATE INDEX turnpike_payments_owed ON turnpike_payments (payer, state, answered)
      WHERE state IN ('owed', 'settling', 'unknown') AND (state = 'owed' OR answered = 1)`,
  ],
  // The amount that is asked for. In rows of older versions it was always the price: those rows stay as they are. No
  // version wrote `reserved`; the money of a payment in that state would not have been asked for.
  ({ text }) => [
    `ALTER TABLE turnpike_payments ADD COLUMN asked_amount ${text}`,
    "UPDATE turnpike_payments SET state = 'released', epoch = epoch + 1 WHERE state = 'reserved'",
    'DROP INDEX turnpike_payments_open',
    `CREATE INDEX turnpike_payments_open ON turnpike_payments (state, check_at) WHERE ${IS_OPEN}`,
  ],
  // Debts, rows that moved no money, and the size of kept answers. Answers of older versions count as the oldest.
  () => [
    `CREATE INDEX turnpike_payments_defaulted ON turnpike_payments (payer) WHERE ${IS_DEFAULTED}`,
    `CREATE INDEX turnpike_payments_debts ON turnpike_payments (check_at) WHERE check_at > 0 AND ${IS_DEFAULTED}`,
    `CREATE INDEX turnpike_payments_unmoved ON turnpike_payments (state, changed_at) WHERE ${IS_CLAIMABLE}`,
    'ALTER TABLE turnpike_answers ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0',
    'ALTER TABLE turnpike_answers ADD COLUMN kept_at BIGINT NOT NULL DEFAULT 0',
    'UPDATE turnpike_answers SET bytes = LENGTH(body)',
    'CREATE INDEX turnpike_answers_kept ON turnpike_answers (kept_at, bytes)',
  ],
  // Answers on credit that broke off are owed for, like whole ones.
  () => [
    'DROP INDEX turnpike_payments_owed',
    `CREATE INDEX turnpike_payments_owed ON turnpike_payments (payer, state, answered, deliveries) WHERE ${IS_OWED}`,
  ],
  // Deliveries that the buyer ended, and notes of operators. Two indexes name the states at rest.
  ({ text }) => [
    'ALTER TABLE turnpike_payments ADD COLUMN left_early SMALLINT NOT NULL DEFAULT 0',
    'ALTER TABLE turnpike_payments ADD COLUMN resolved_at BIGINT',
    `ALTER TABLE turnpike_payments ADD COLUMN resolved_note ${text}`,
    'DROP INDEX turnpike_payments_look_again',
    'DROP INDEX turnpike_payments_prunable',
    `CREATE INDEX turnpike_payments_look_again ON turnpike_payments (check_at) WHERE check_at > 0 AND ${IS_RESTING}`,
    `CREATE INDEX turnpike_payments_prunable ON turnpike_payments (expires_at) WHERE ${IS_PRUNABLE}`,
  ],
  // The latest expiry of deleted payments (Unix seconds) and nonces (Unix milliseconds).
  ({ text }) => [`CREATE TABLE turnpike_forgotten (what ${text} NOT NULL PRIMARY KEY, until_at BIGINT NOT NULL)`],
  // Answers that go out before their cost is known: in a state that older versions do not touch.
  () => [
    'DROP INDEX turnpike_payments_open',
    'DROP INDEX turnpike_payments_owed',
    `CREATE INDEX turnpike_payments_open ON turnpike_payments (state, check_at) WHERE ${IS_OPEN}`,
    `CREATE INDEX turnpike_payments_owed ON turnpike_payments (payer, state, answered, deliveries) WHERE ${IS_OWED}`,
  ],
  // The usage behind charges, in the books and in webhook events.
  ({ text }) => [
    `ALTER TABLE turnpike_payments ADD COLUMN usage ${text}`,
    `ALTER TABLE turnpike_events ADD COLUMN usage ${text}`,
  ],
  // Free uses, counted by window of time. `granted` is the number that the last call got.
  ({ text }) => [
    `CREATE TABLE turnpike_uses (
      id ${text} NOT NULL, starts_at BIGINT NOT NULL, ends_at BIGINT NOT NULL, used BIGINT NOT NULL,
      granted BIGINT NOT NULL,
      PRIMARY KEY (id, starts_at)
    )`,
    'CREATE INDEX turnpike_uses_ended ON turnpike_uses (ends_at)',
  ],
  // All columns of the totals per day, in their order: a million payments are added up without reading their rows.
  () => [
    `CREATE INDEX turnpike_payments_totals ON turnpike_payments (${DAY}, route, network, asset, (${MOVED}), state, claimed_at)`,
  ],
  // Balances: a pass whose requests are units of the asset that `balance` names, and the holds and draws of calls.
  // `last_hold` is the hold that took from it last. `booked` is 1 when the money of an ended hold is booked.
  ({ text }) => [
    `ALTER TABLE turnpike_passes ADD COLUMN balance ${text}`,
    `ALTER TABLE turnpike_passes ADD COLUMN last_hold ${text}`,
    `CREATE TABLE turnpike_draws (
      id ${text} NOT NULL PRIMARY KEY, pass ${text} NOT NULL REFERENCES turnpike_passes (id) ON DELETE CASCADE,
      route ${text} NOT NULL, request_id ${text} NOT NULL, owner ${text} NOT NULL, most BIGINT NOT NULL, charge BIGINT,
      usage ${text}, held_at BIGINT NOT NULL, ended_at BIGINT, booked SMALLINT NOT NULL
    )`,
    'CREATE INDEX turnpike_draws_open ON turnpike_draws (held_at) WHERE ended_at IS NULL',
    'CREATE INDEX turnpike_draws_ended ON turnpike_draws (ended_at) WHERE ended_at IS NOT NULL',
    'CREATE INDEX turnpike_draws_pass ON turnpike_draws (pass, ended_at)',
  ],
  // The protocol that brought a payment, in the books and in webhook events.
  ({ text }) => [
    `ALTER TABLE turnpike_payments ADD COLUMN protocol ${text}`,
    `ALTER TABLE turnpike_events ADD COLUMN protocol ${text}`,
  ],
  // Payments that were charged by usage, in the order of claiming: totals by model read no other rows.
  () => ['CREATE INDEX turnpike_payments_metered ON turnpike_payments (claimed_at) WHERE usage IS NOT NULL'],
  // Conditions that compare states one by one; each index in a step of its own, so that no other process waits for all.
  reworded('open', 'state, check_at', IS_OPEN),
  reworded('owed', 'payer, state, answered, deliveries', IS_OWED),
  reworded('look_again', 'check_at', `check_at > 0 AND ${IS_RESTING}`),
  reworded('prunable', 'expires_at', IS_PRUNABLE),
];

/**
 * Makes an index of payments anew whose condition means what it did, in the words that queries have now. Where an index
 * fits by what it means, the old one does, and the table is not locked for a new one.
 */
function reworded(name: string, columns: string, condition: string): Migration {
  const texts = [
    `DROP INDEX turnpike_payments_${name}`,
    `CREATE INDEX turnpike_payments_${name} ON turnpike_payments (${columns}) WHERE ${condition}`,
  ];
  return ({ fitsIndexesBy }) => (fitsIndexesBy === 'words' ? texts : []);
}

/** How long a migration tries to get tables that others use, and the pause between two tries, in milliseconds. */
const HELD_UP_MS = 60_000;
const PAUSE_MS = 1000;

const READ_VERSION = 'SELECT MAX(version) AS version FROM turnpike_schema_version';

/**
 * Brings a database to this version's schema, each step in a transaction of its own, in one process at a time: any
 * number of workers and replicas may start at once. A step that has to wait for others, such as a backup, gives way
 * and tries again: replicas of the version before go on meanwhile.
 *
 * @throws StoreOpenError when a newer version of the gateway has been here
 * @throws ForeignStoreError when another program has tables under our names
 */
export async function migrate(session: SchemaSession, dialect: Dialect): Promise<void> {
  if ((await versionIfAny(session)) === MIGRATIONS.length) return;
  const until = performance.now() + HELD_UP_MS;
  for (;;) {
    for (const begin of dialect.beginAlone) await session.run(begin);
    try {
      const done = await takeStep(session, dialect);
      await session.run('COMMIT');
      if (done) return;
    } catch (error) {
      await rollBack(session);
      if (!dialect.isHeldUp(error)) throw error;
      if (performance.now() > until) {
        throw new StoreOpenError(
          'the ledger cannot be brought to the schema of this version\n  reason: another session, such as a backup, holds its tables\nstart it again when that is done',
        );
      }
      await wait(PAUSE_MS);
    }
  }
}

/** The names of the tables of this version's schema. */
export function tablesOf(dialect: Dialect): readonly string[] {
  return tablesMadeBy(MIGRATIONS.flatMap((each) => each(dialect)));
}

/**
 * Makes sure that a database has this version's schema, and changes nothing about it.
 *
 * @throws StoreOpenError when there is no ledger in it, or one of another version
 */
export async function requireSchema(session: SchemaSession, dialect: Dialect): Promise<void> {
  const [table] = await session.run(dialect.findVersionTable);
  if (table === undefined) {
    throw new StoreOpenError('there is no ledger in this database yet\nthe gateway makes it when it starts');
  }
  const version = readVersion(await session.run(READ_VERSION));
  if (version === MIGRATIONS.length) return;
  throw new StoreOpenError(
    `the ledger was written by an older version of turnpike\n  its schema: ${version}\n  known here: ${MIGRATIONS.length}\nread it with the version that runs on it; this one brings it up to date when its gateway starts`,
  );
}

/** Runs the next migration. Resolves to `true` when there is none. */
async function takeStep(session: SchemaSession, dialect: Dialect): Promise<boolean> {
  const found = readColumns(await session.run(dialect.findColumns));
  refuseForeignVersions(found);
  await refuseOtherSchema(session, dialect, found);
  await session.run('CREATE TABLE IF NOT EXISTS turnpike_schema_version (version BIGINT NOT NULL PRIMARY KEY)');
  const version = readVersion(await session.run(READ_VERSION));
  const migration = MIGRATIONS[version];
  if (migration === undefined) return true;
  // All steps that are to come: a refusal leaves no half of a ledger behind.
  refuseForeignTables(
    found,
    version,
    MIGRATIONS.slice(version).flatMap((each) => each(dialect)),
  );
  for (const text of migration(dialect)) await session.run(text);
  await session.run(`INSERT INTO turnpike_schema_version (version) VALUES (${version + 1})`);
  return false;
}

/**
 * The version, read without a lock; `undefined` when it cannot be read. An up-to-date database then needs no right to
 * create tables, and a restart waits for no other process.
 */
async function versionIfAny(session: SchemaSession): Promise<number | undefined> {
  let rows: readonly SchemaRow[];
  try {
    rows = await session.run(READ_VERSION);
  } catch {
    return undefined;
  }
  return readVersion(rows);
}

function readVersion(rows: readonly SchemaRow[]): number {
  const version = Number(rows[0]?.['version'] ?? 0);
  if (!Number.isSafeInteger(version)) throw foreign('turnpike_schema_version');
  if (version > MIGRATIONS.length) {
    throw new StoreOpenError(
      `the ledger was written by a newer version of turnpike\n  its schema: ${version}\n  known here: ${MIGRATIONS.length}\nstart the newer version, or name another database in \`store\``,
    );
  }
  return version;
}

/** Ignores its own failure: the caller reports the first error, after which the connection may be gone. */
async function rollBack(session: SchemaSession): Promise<void> {
  try {
    await session.run('ROLLBACK');
  } catch {
    // The engine has rolled it back already, or will when the connection ends.
  }
}
