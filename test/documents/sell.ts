import { readFileSync } from 'node:fs';
import { isPriced } from '../../src/domain/route-price.ts';
import { samplePath } from '../../src/openapi/sample-path.ts';
import { turnpike } from './command.ts';
import { faultsOfTable, type PriceTable, priceTableOf } from './price-table.ts';
import { buyEach } from './purchases.ts';

/** How many operations of a description are looked at by `turnpike explain`. */
const SPOT_CHECKS = 5;

/** What selling a whole description came to. */
export interface Sale {
  readonly operations: number;
  readonly routes: number;
  readonly notForSale: readonly string[];
  /** How many were bought, and would be listed. */
  readonly listed: number;
  readonly uncatalogued: number;
  readonly explained: number;
  readonly longestHeader: number;
  readonly faults: readonly string[];
}

/**
 * Makes a price table of a description with `turnpike init`, checks it, asks `turnpike explain` for some operations, and
 * buys every one of them.
 *
 * @param file where the price table is written
 * @param buyEvery 10 to buy every tenth operation: the official validator takes 20 ms for each
 */
export async function sellDocument(document: string, file: string, buyEvery = 1): Promise<Sale> {
  const table = await priceTableOf(document, file);
  const { plan, operations, notForSale } = table;
  const sold = operations.filter(
    ({ method, template }) => !notForSale.some((line) => line.includes(`${method} ${template}:`)),
  );
  const text = readFileSync(file, 'utf8');
  const bought = await buyEach(
    text.slice(text.indexOf('\nroutes:')),
    document,
    sold.filter((_, at) => at % buyEvery === 0),
  );
  const spots = sold.filter((_, at) => at % Math.ceil(sold.length / SPOT_CHECKS) === 0);
  const unexplained: string[] = [];
  for (const { method, template } of spots) unexplained.push(...(await faultsOfExplaining(table, method, template)));
  return {
    operations: operations.length,
    routes: plan.routes.length,
    notForSale,
    listed: bought.listed,
    uncatalogued: bought.uncatalogued,
    explained: spots.length,
    longestHeader: bought.longestHeader,
    faults: [...(await faultsOfTable(table, document)), ...bought.faults, ...unexplained],
  };
}

async function faultsOfExplaining({ file, plan }: PriceTable, method: string, template: string): Promise<string[]> {
  const route = plan.table.match(method, '', samplePath(template));
  const { code, out } = await turnpike(['explain', method, samplePath(template), '-c', file]);
  if (route === undefined || !isPriced(route)) return [`${method} ${template}: no priced route`];
  const says = [
    `route     ${route.name}\n`,
    'offers    0.001 USDC (1000 atomic units',
    'upstream  http://127.0.0.1:8080/',
  ];
  const missing = says.filter((line) => !out.includes(line));
  return code === 0 && missing.length === 0 ? [] : [`explain ${method} ${template}: ${out}`];
}
