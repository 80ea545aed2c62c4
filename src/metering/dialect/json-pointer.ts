import { parseDecimal } from '../../domain/decimal.ts';
import type { Figures } from '../../domain/rate.ts';
import type { Dialect, Fields } from './dialect.ts';

const known = new Map<string, Dialect>();
/** Configurations have a few pointers; reloads may bring others. */
const MOST_KNOWN = 1_000;

/** The dialect of an API that states a number of units at one place of its answer; of a stream the last one counts. */
export function jsonPointerDialect(pointer: string): Dialect {
  const found = known.get(pointer);
  if (found !== undefined) return found;
  const made: Dialect = {
    name: 'json',
    dimensions: ['unit'],
    onlyRises: false,
    fields: { [pointer]: 'unit' },
    model: pointer === '/model' ? [] : ['/model'],
    output: [],
    marks: [],
    limit: () => undefined,
    meaning: () => 'content',
    figures,
  };
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(pointer, made);
  return made;
}

function figures(fields: Fields): Figures | undefined {
  const unit = parseDecimal(fields.get('unit') ?? '');
  return unit === undefined ? undefined : new Map([['unit', unit]]);
}
