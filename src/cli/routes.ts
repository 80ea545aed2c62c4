import { type AssetTable, networkName, readAssetTable } from '../config/asset-table.ts';
import { describeRoutes, describeUpstream, passText, type RouteDescription } from '../config/describe.ts';
import { describeShadowed } from '../config/shadowed-routes.ts';
import type { Plan } from '../domain/plan.ts';
import { type Cli, type CliWorld, example } from './cli.ts';
import type { ExitCode } from './exit.ts';
import { type ConfigOptions, DEFAULT_FILE, readPlan } from './read-plan.ts';
import { print, printJson } from './terminal.ts';

interface RoutesOptions extends ConfigOptions {
  readonly json?: boolean;
}

/** Adds `turnpike routes`. */
export function addRoutes({ program, finish, ...world }: Cli): void {
  program
    .command('routes')
    .description('show the price table as the gateway understands it')
    .option('-c, --config <file>', 'configuration file', DEFAULT_FILE)
    .option('--json', 'write {routes, unmatched} as JSON, with every offer')
    .addHelpText('after', example('turnpike routes -c gateway.yaml', 'turnpike routes --json | jq .routes[0].offers'))
    .action(async (options: RoutesOptions) => finish(await showRoutes(options, world)));
}

async function showRoutes({ config, json }: RoutesOptions, world: CliWorld): Promise<ExitCode> {
  const { terminal } = world;
  const { plan } = await readPlan(config, world);
  const routes = describeRoutes(plan);
  const unmatched = describeUnmatched(plan);
  if (json === true) {
    printJson(terminal, { routes, unmatched });
    return 0;
  }
  const table = readAssetTable();
  const heads = ['METHODS', 'HOST', 'PATH', 'PRICE', 'NETWORKS', 'SETTLE', 'UPSTREAM'];
  for (const line of columns([heads, ...routes.flatMap((route) => rows(route, table))])) print(terminal, line);
  print(terminal, `\nunmatched: ${unmatched}`);
  const shadowed = describeShadowed(plan);
  if (shadowed !== undefined) print(terminal, shadowed);
  return 0;
}

/** One row, and where a route has several prices one for each below it. */
function rows(route: RouteDescription, table: AssetTable): readonly (readonly string[])[] {
  const entries = route.prices ?? [];
  return [
    cells(route, table),
    ...entries.map((entry) => cells({ ...route, ...entry, ...ENTRY_ROW, path: `  ${entry.when}` }, table)),
  ];
}

/** What the rows of a route's entries leave to its own. */
const ENTRY_ROW = { methods: [''], host: '', upstream: '', free: undefined, keys: undefined } as const;

function cells(route: RouteDescription, table: AssetTable): readonly string[] {
  const networks = [...new Set(route.offers.map((offer) => networkName(table, offer.network)))].join(' ');
  return [
    route.methods.join(','),
    route.host,
    route.path,
    priceCell(route),
    networks === '' ? '-' : networks,
    // Nothing is settled on a free route, whatever the mode.
    route.settle ?? '-',
    route.upstream,
  ];
}

function priceCell({ price, access, free, keys }: RouteDescription): string {
  // The price of a call that a balance pays names it.
  const sold = access === undefined || access.balance !== undefined ? price : `${price} for ${passText(access)}`;
  return [sold, ...(free === undefined ? [] : [`free: ${free}`]), ...(keys === undefined ? [] : [keys])].join(', ');
}

function describeUnmatched({ unmatched }: Plan): string {
  switch (unmatched.kind) {
    case 'deny':
      return 'deny (404)';
    case 'pass':
      return `pass (free, to ${describeUpstream(unmatched.upstream)})`;
  }
}

function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
