import { parseAmount } from '../../domain/amount.ts';
import { parseNetwork } from '../../domain/network.ts';
import type { BookGroup } from '../totals.ts';
import { damaged, readText, readWhole } from './row.ts';
import type { SqlRow } from './sql-engine.ts';

/** Reads a group of equal payments. @throws DamagedRow */
export function readGroup(row: SqlRow): BookGroup {
  return {
    day: readWhole(row, 'day'),
    route: readText(row, 'route'),
    network: parseNetwork(row.get('network')) ?? damaged('network'),
    asset: readText(row, 'asset'),
    amount: parseAmount(row.get('amount')) ?? damaged('amount'),
    settled: readWhole(row, 'settled'),
    open: readWhole(row, 'pending'),
  };
}

/**
 * Reads the model of a group, JSON text; `undefined` where there is none or it is damaged: the money counts all the
 * same.
 */
export function readModel(row: SqlRow): string | undefined {
  const text = row.get('model');
  if (typeof text !== 'string') return undefined;
  try {
    const model: unknown = JSON.parse(text);
    return typeof model === 'string' ? model : undefined;
  } catch {
    return undefined;
  }
}
