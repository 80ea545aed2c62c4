import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteLedger } from '../../../src/store/sqlite/sqlite-ledger.ts';
import { PAYER } from '../payment-signer.ts';

const DAY_MS = 86_400_000;
/** How far back the oldest row is: less than payments are kept. */
const SPAN_MS = 60 * DAY_MS;
const ASSET = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
/** What the first twelve digits of a nonce can be, over which the rows are spread. */
const NONCES = 2n ** 48n;

/** Which payments a ledger is filled with. */
export type Filling =
  /** Paid, settled, delivered, all over. */
  | 'delivered'
  /** Answered, and being settled by another process, which lives for a day: open, whatever goes on beside them. */
  | 'being settled';

/**
 * Makes a ledger with so many payments, about a kilobyte each, written as fast as SQLite can. Their keys are spread evenly over those that new
 * payments have, so that a new one lands anywhere between them, as it does in a ledger that grew.
 *
 * @param newestMs how long ago the latest one was made
 */
export async function fillLedger(path: string, rows: number, filling: Filling, newestMs = DAY_MS): Promise<void> {
  const ledger = await openSqliteLedger(path);
  await ledger.close();
  if (rows === 0) return;
  const database = new DatabaseSync(path);
  try {
    // Nobody else has the file, and a crash costs nothing but the run. Whoever opens the ledger next brings its journal back.
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000');
    database.exec('BEGIN');
    database
      .prepare(insertOf(filling, newestMs))
      .run({ rows, now: Date.now(), step: NONCES / BigInt(rows), payer: PAYER.toLowerCase() });
    database.prepare("INSERT INTO turnpike_owners (owner, beat_at) VALUES ('filled', ?)").run(Date.now() + DAY_MS);
    database.exec('COMMIT');
  } finally {
    database.close();
  }
  await flush(path);
}

/** Waits until all of it is on the disk: else the first payments would wait for it. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.sync();
  await file.close();
}

function insertOf(filling: Filling, newestMs: number): string {
  const isOpen = filling === 'being settled';
  const settled = isOpen ? 'NULL, NULL, NULL, NULL' : "'0x' || printf('%064x', i), $payer, '10000', claimed + 900";
  return `WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < $rows),
    payments AS (SELECT i, $now - ${SPAN_MS} + CAST(i AS REAL) / $rows * ${SPAN_MS - newestMs} AS at FROM numbers),
    timed AS (SELECT i, CAST(at AS INTEGER) AS claimed FROM payments)
    INSERT INTO turnpike_payments (key, fingerprint, digest, request_id, route, payer, network, asset, amount, pay_to,
      scheme, claimed_at, expires_at, state, owner, facilitator, evidence, identifier, epoch,
      settled_transaction, settled_payer, settled_amount, settled_at,
      answered, deliveries, checks, check_at, changed_at)
    SELECT 'eip155:84532|${ASSET}|' || $payer || '|0x' || printf('%012x%052x', i * $step, i),
      printf('%064x', i), printf('%064x', i * 7), printf('%032x', i), 'route-' || (i % 10), $payer, 'eip155:84532',
      '${ASSET}', '10000', '0x209693bc6afc0c5328ba36faf03c514ef312287c', 'exact', claimed, claimed / 1000 + 300,
      ${isOpen ? "'settling'" : "'delivered'"}, 'filled', 'remote', ${isOpen ? "'{}'" : 'NULL'}, NULL, 4, ${settled},
      ${isOpen ? 1 : 0}, 1, 0, 0, claimed + 1000
    FROM timed`;
}
