import { type Decimal, parseCount, wholeNumber } from '../../domain/decimal.ts';
import type { Dimension, Figures } from '../../domain/rate.ts';
import type { Fields } from './dialect.ts';

/** Reads a count: `0` where the field is absent, `undefined` where it holds no whole number from zero up. */
export function count(fields: Fields, name: string): bigint | undefined {
  const text = fields.get(name);
  return text === undefined ? 0n : parseCount(text);
}

/** Reads several fields that count, and adds them up; `undefined` when one of them is no count. */
export function sum(fields: Fields, ...names: readonly string[]): bigint | undefined {
  let total = 0n;
  for (const name of names) {
    const one = count(fields, name);
    if (one === undefined) return undefined;
    total += one;
  }
  return total;
}

/** Figures of counts; `undefined` when one of them is no count or below zero. */
export function wholeFigures(...counts: readonly (readonly [Dimension, bigint | undefined])[]): Figures | undefined {
  const figures = new Map<Dimension, Decimal>();
  for (const [dimension, value] of counts) {
    if (value === undefined || value < 0n) return undefined;
    figures.set(dimension, wholeNumber(value));
  }
  return figures;
}

/** The difference of two counts; `undefined` when one of them is not a count. */
export function difference(all: bigint | undefined, part: bigint | undefined): bigint | undefined {
  return all === undefined || part === undefined ? undefined : all - part;
}
