import { readFileSync } from 'node:fs';
import { coverageOf } from '../../src/cli/coverage.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { isPriced } from '../../src/domain/route-price.ts';
import { parseApiDocument } from '../../src/openapi/document.ts';
import { type OperationList, readOperations } from '../../src/openapi/operations.ts';
import { planOf } from '../support/gateway.ts';
import { turnpike } from './command.ts';

const PAY_TO = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
const GIVEN = ['--upstream', 'http://127.0.0.1:8080', '--pay-to', PAY_TO, '--network', 'base-sepolia'];

/** A price table that `turnpike init` made of a description. */
export interface PriceTable {
  /** The file that was written. */
  readonly file: string;
  readonly plan: Plan;
  readonly operations: OperationList['operations'];
  /** What was said of operations that no route can say. */
  readonly notForSale: readonly string[];
}

/** Runs `turnpike init` for a description, and writes the price table to `file`. */
export async function priceTableOf(document: string, file: string): Promise<PriceTable> {
  const parsed = parseApiDocument(readFileSync(document, 'utf8'));
  if (!parsed.ok) throw new Error(`${document}: ${parsed.wrong}`);
  const { code, err } = await turnpike(['init', ...GIVEN, '--from-openapi', document, '-o', file, '--force']);
  if (code !== 0) throw new Error(`init ended with ${code}: ${err}`);
  return {
    file,
    plan: await planOf(readFileSync(file, 'utf8')),
    operations: readOperations(parsed.value).operations,
    notForSale: err.match(/^not for sale: .*$/gm) ?? [],
  };
}

/** What `turnpike init` lost, gave away or made too much of; and what `turnpike check` has against it. */
export async function faultsOfTable(table: PriceTable, document: string): Promise<readonly string[]> {
  const { plan, operations, notForSale } = table;
  const { unpriced, unused } = coverageOf(plan, { operations, unreadable: [] });
  const told = (operation: string) => notForSale.some((line) => line.includes(`${operation}:`));
  const { code, out, err } = await turnpike(['check', '-c', table.file, '--against', document]);
  return [
    ...unpriced.filter(({ operation }) => !told(operation)).map(({ operation, gets }) => `${operation} is ${gets}`),
    ...unused.map((route) => `${route} sells no operation`),
    ...plan.routes.filter((route) => !isPriced(route)).map(({ name }) => `${name} is free`),
    ...(code === 0 || notForSale.length > 0 ? [] : [`check ended with ${code}: ${out}${err}`]),
  ];
}
