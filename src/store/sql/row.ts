import { formatAmount, parseAmount } from '../../domain/amount.ts';
import { parseNetwork } from '../../domain/network.ts';
import { isJsonObject, type PaymentKey } from '../../domain/payment.ts';
import type { PaymentClaim, PaymentRecord, SettlementAttempt } from '../../domain/payment-record.ts';
import { isState } from '../../domain/payment-state.ts';
import type { Settlement } from '../../domain/settlement.ts';
import type { Json, JsonObject } from '../../domain/x402.ts';
import { DamagedRow } from '../damaged-row.ts';
import type { SqlRow, SqlValue } from './sql-engine.ts';

/** The columns that a claim fills, in the order of {@link claimValues}. */
export const CLAIM_COLUMNS = [
  'key',
  'fingerprint',
  'digest',
  'request_id',
  'route',
  'payer',
  'network',
  'asset',
  'amount',
  'pay_to',
  'scheme',
  'claimed_at',
  'expires_at',
  'state',
  'owner',
  'facilitator',
  'evidence',
  'identifier',
  'protocol',
  'changed_at',
] as const;

/** The columns that only steps and operators fill, with what they hold after a claim. */
export const STEP_COLUMNS = {
  settled_transaction: 'NULL',
  settled_payer: 'NULL',
  settled_amount: 'NULL',
  settled_extensions: 'NULL',
  settled_at: 'NULL',
  asked_amount: 'NULL',
  usage: 'NULL',
  attempt_transaction: 'NULL',
  attempt_data: 'NULL',
  body_digest: 'NULL',
  answered: '0',
  left_early: '0',
  deliveries: '0',
  checks: '0',
  check_at: '0',
  reason: 'NULL',
  resolved_at: 'NULL',
  resolved_note: 'NULL',
} as const;

/** Every column, by name: a later version of the schema may add some without changing what statements return. */
export const COLUMNS: string = [...CLAIM_COLUMNS, ...Object.keys(STEP_COLUMNS), 'epoch'].join(', ');

/** A claim as values of {@link CLAIM_COLUMNS}. */
export function claimValues(claim: PaymentClaim, now: number): readonly SqlValue[] {
  return [
    text(claim.key),
    text(claim.fingerprint),
    text(claim.digest),
    text(claim.requestId),
    text(claim.route),
    text(claim.payer),
    claim.network,
    text(claim.asset),
    formatAmount(claim.amount),
    text(claim.payTo),
    text(claim.scheme),
    whole(claim.claimedAt),
    whole(claim.expiresAt),
    claim.state,
    text(claim.owner),
    text(claim.facilitator),
    text(claim.evidence),
    text(claim.identifier),
    text(claim.protocol),
    whole(now),
  ];
}

/** A settlement as values of the `settled_` columns. */
export function settlementValues(settlement: Settlement | undefined): readonly SqlValue[] {
  if (settlement === undefined) return [null, null, null, null];
  const { transaction, payer, amount, extensions } = settlement;
  return [
    text(transaction),
    text(payer),
    formatAmount(amount),
    extensions === undefined ? null : JSON.stringify(extensions),
  ];
}

/**
 * Text as both engines can hold it. PostgreSQL has no U+0000, and reasons and transactions come from services that
 * could send one: a settlement must not get lost over it.
 */
export function text(value: string): string;
export function text(value: string | undefined): string | null;
export function text(value: string | undefined): string | null {
  return value === undefined ? null : value.replaceAll('\0', '\uFFFD');
}

/** A whole number that both engines hold exactly. A larger one becomes the largest of these: "as late as possible". */
export function whole(value: number): number {
  return Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER);
}

/** Reads a row of the payments table. @throws DamagedRow */
export function readRecord(row: SqlRow): PaymentRecord {
  return {
    // Written by us from a key: the brand needs no second check.
    key: readText(row, 'key') as PaymentKey,
    fingerprint: readText(row, 'fingerprint'),
    digest: readText(row, 'digest'),
    requestId: readText(row, 'request_id'),
    route: readText(row, 'route'),
    payer: readText(row, 'payer'),
    network: parseNetwork(row.get('network')) ?? damaged('network'),
    asset: readText(row, 'asset'),
    amount: parseAmount(row.get('amount')) ?? damaged('amount'),
    payTo: readText(row, 'pay_to'),
    scheme: readText(row, 'scheme'),
    claimedAt: readWhole(row, 'claimed_at'),
    expiresAt: readWhole(row, 'expires_at'),
    owner: readText(row, 'owner'),
    facilitator: readText(row, 'facilitator'),
    evidence: readOptional(row, 'evidence'),
    identifier: readOptional(row, 'identifier'),
    protocol: readOptional(row, 'protocol'),
    state: readState(row),
    epoch: readWhole(row, 'epoch'),
    settlement: readSettlement(row),
    settledAt: row.get('settled_at') === null ? undefined : readWhole(row, 'settled_at'),
    asked: readAsked(row),
    usage: readOptional(row, 'usage'),
    attempt: readAttempt(row),
    bodyDigest: readOptional(row, 'body_digest'),
    answered: readWhole(row, 'answered') === 1,
    leftEarly: readWhole(row, 'left_early') === 1,
    deliveries: readWhole(row, 'deliveries'),
    checks: readWhole(row, 'checks'),
    checkAt: readWhole(row, 'check_at'),
    reason: readOptional(row, 'reason'),
    changedAt: readWhole(row, 'changed_at'),
    resolution: readResolution(row),
  };
}

/** Reads a column of text. */
export function readText(row: SqlRow, column: string): string {
  return readOptional(row, column) ?? damaged(column);
}

/** Reads a column of whole numbers. */
export function readWhole(row: SqlRow, column: string): number {
  const value = row.get(column);
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : damaged(column);
}

/** Reads the one row of a statement that counts, in its column `every`. */
export function readCount([row]: readonly SqlRow[]): number {
  return row === undefined ? damaged('count') : readWhole(row, 'every');
}

/** Reads a column of bytes. */
export function readBytes(row: SqlRow, column: string): Uint8Array {
  const value = row.get(column);
  // A plain copy: drivers give views of their own buffers.
  return value instanceof Uint8Array ? new Uint8Array(value) : damaged(column);
}

/** Says that the database does not hold what this version writes. @throws DamagedRow */
export function damaged(column: string): never {
  throw new DamagedRow(column);
}

/** Reads a column of text that may be absent. */
export function readOptional(row: SqlRow, column: string): string | undefined {
  const value = row.get(column);
  if (value === null) return undefined;
  return typeof value === 'string' ? value : damaged(column);
}

/** Reads a column of JSON. */
export function readJson(row: SqlRow, column: string): Json {
  const text = readText(row, column);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DamagedRow(column, { cause });
  }
}

/** Reads the state of a row. */
export function readState(row: SqlRow): PaymentRecord['state'] {
  const name = readText(row, 'state');
  return isState(name) ? name : damaged('state');
}

function readSettlement(row: SqlRow): Settlement | undefined {
  const transaction = readOptional(row, 'settled_transaction');
  if (transaction === undefined) return undefined;
  const extensions = readOptional(row, 'settled_extensions');
  return {
    transaction,
    payer: readText(row, 'settled_payer'),
    amount: parseAmount(row.get('settled_amount')) ?? damaged('settled_amount'),
    ...(extensions === undefined ? {} : { extensions: readExtensions(row) }),
  };
}

function readAsked(row: SqlRow): PaymentRecord['asked'] {
  const amount = readOptional(row, 'asked_amount');
  return amount === undefined ? undefined : (parseAmount(amount) ?? damaged('asked_amount'));
}

function readAttempt(row: SqlRow): SettlementAttempt | undefined {
  const transaction = readOptional(row, 'attempt_transaction');
  return transaction === undefined ? undefined : { transaction, data: readText(row, 'attempt_data') };
}

function readResolution(row: SqlRow): PaymentRecord['resolution'] {
  const note = readOptional(row, 'resolved_note');
  return note === undefined ? undefined : { at: readWhole(row, 'resolved_at'), note };
}

function readExtensions(row: SqlRow): JsonObject {
  const value = readJson(row, 'settled_extensions');
  return isJsonObject(value) ? value : damaged('settled_extensions');
}
