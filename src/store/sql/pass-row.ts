import type { BalanceCurrency } from '../../domain/balance.ts';
import { parseNetwork } from '../../domain/network.ts';
import type { Pass, PassId, PassScope } from '../../domain/pass.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { DamagedRow } from '../damaged-row.ts';
import type { PassPage, PassPlace, UnreadablePass } from '../passes.ts';
import { damaged, readJson, readText, readWhole } from './row.ts';
import type { SqlRow } from './sql-engine.ts';
import { isMoment, lastPlace, readApart, readSound } from './try-read.ts';

/** Reads a row of the passes table. @throws DamagedRow */
export function readPass(row: SqlRow): Pass {
  const bought = readMoment(row, 'bought');
  return {
    id: readPassId(row),
    scope: readScope(row),
    family: readText(row, 'family'),
    payer: readText(row, 'payer'),
    opens: readTexts(row, 'opens'),
    version: readText(row, 'version'),
    expiresAt: readMoment(row, 'expires_at'),
    quota:
      bought === undefined
        ? undefined
        : { bought, available: readWhole(row, 'available'), lent: readWhole(row, 'lent') },
    issuedAt: readWhole(row, 'issued_at'),
    revokedAt: readMoment(row, 'revoked_at'),
    ...(row.get('balance') === null ? {} : { balance: readCurrency(row) }),
  };
}

/**
 * Reads a page row by row: one that is damaged does not hide the others.
 *
 * @param limit how many rows were asked for
 * @throws DamagedRow for a full page in which no row has a readable position: the next page could not begin after it
 */
export function readPassPage(rows: readonly SqlRow[], limit: number): PassPage {
  const { sound, unsound } = readApart(rows, readForPeople);
  const unreadable = unsound.map(({ row, fault }) => describe(row, fault));
  return { passes: sound, unreadable, last: lastPlace(rows, limit, placeOf, 'issued_at') };
}

/** Reads those that can be read. @throws DamagedRow where there are some and none can be */
export function readSoundPasses(rows: readonly SqlRow[]): readonly Pass[] {
  const passes = readSound(rows, readPass);
  const [first] = rows;
  return passes.length === 0 && first !== undefined ? [readPass(first)] : passes;
}

/** Also checks that its times can be written as dates. */
function readForPeople(row: SqlRow): Pass {
  const pass = readPass(row);
  const times = { issued_at: pass.issuedAt, expires_at: pass.expiresAt, revoked_at: pass.revokedAt };
  for (const [column, ms] of Object.entries(times)) if (ms !== undefined && !isMoment(ms)) damaged(column);
  return pass;
}

function describe(row: SqlRow, { column }: DamagedRow): UnreadablePass {
  const place = placeOf(row);
  const issuedAt = place !== undefined && isMoment(place.issuedAt) ? place.issuedAt : undefined;
  const id = row.get('id');
  return { id: typeof id === 'string' ? id : '', issuedAt, column };
}

function placeOf(row: SqlRow): PassPlace | undefined {
  const [id, issuedAt] = [row.get('id'), row.get('issued_at')];
  return typeof id === 'string' && Number.isSafeInteger(issuedAt) ? { id, issuedAt: Number(issuedAt) } : undefined;
}

/** Reads the id of a pass. @throws DamagedRow */
export function readPassId(row: SqlRow): PassId {
  // Written by us: the brand needs no second check.
  return readText(row, 'id') as PassId;
}

function readScope(row: SqlRow): PassScope {
  const scope = readText(row, 'scope');
  return isScope(scope) ? scope : damaged('scope');
}

const SCOPE = /^(?:balance:)?(?:route|group):/;

function isScope(text: string): text is PassScope {
  return SCOPE.test(text);
}

/** Reads the currency of a balance. @throws DamagedRow */
export function readCurrency(row: SqlRow): BalanceCurrency {
  const json = readJson(row, 'balance');
  if (!isJsonObject(json)) return damaged('balance');
  const { asset, symbol, decimals } = json;
  const network = parseNetwork(json['network']);
  const isSound = typeof asset === 'string' && typeof symbol === 'string' && isDigits(decimals);
  return network !== undefined && isSound ? { network, asset, symbol, decimals } : damaged('balance');
}

/** Whether a value is a number of decimals that an amount can be written with. */
function isDigits(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= 36;
}

function readMoment(row: SqlRow, column: string): number | undefined {
  return row.get(column) === null ? undefined : readWhole(row, column);
}

function readTexts(row: SqlRow, column: string): readonly string[] {
  const value: unknown = readJson(row, column);
  return Array.isArray(value) && value.every((part) => typeof part === 'string') ? value : damaged(column);
}
