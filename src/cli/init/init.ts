import { existsSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, relative } from 'node:path';
import { renderProblem } from '../../config/problem.ts';
import { whyUnwritable } from '../../config/unreadable.ts';
import { countBasePaths } from '../../openapi/base-path.ts';
import { readOperations } from '../../openapi/operations.ts';
import type { Scheme } from '../../scheme/scheme.ts';
import { type Cli, type CliWorld, collect, example } from '../cli.ts';
import { CommandFailure, type ExitCode, UsageError } from '../exit.ts';
import { DEFAULT_FILE } from '../read-plan.ts';
import { notice, print } from '../terminal.ts';
import { checkText } from './check-text.ts';
import { draftRoutes, PLAIN_ROUTE, type RouteDraft } from './drafts.ts';
import { configText, type GatewayDraft } from './file-text.ts';
import { type Pricing, readPricing } from './pricing.ts';
import { readApiDocument } from './read-document.ts';
import { completeSettings, type GatewaySettings } from './settings.ts';

interface InitOptions extends Partial<GatewaySettings> {
  readonly fromOpenapi?: string;
  readonly price: string;
  readonly pricePerTag?: readonly string[];
  readonly free?: readonly string[];
  readonly output: string;
  readonly force?: boolean;
}

/** The price table of a file that is to be written, and what a person should know of it. */
interface Table {
  readonly routes: readonly RouteDraft[];
  readonly origin: string | undefined;
  /** The API's description, as it was given. */
  readonly description: string | undefined;
  readonly notes: readonly string[];
  /** Messages for the person at the terminal. */
  readonly report: readonly string[];
}

/** Adds `turnpike init`. */
export function addInit({ program, terminal, registry, finish }: Cli): void {
  program
    .command('init')
    .description('write a commented gateway.yaml, from answers, from options, or from an OpenAPI document')
    .option(
      '--from-openapi <file>',
      'one route for each operation of an OpenAPI 3 or Swagger 2 document: a file, or a URL of this machine',
    )
    .option('--upstream <url>', 'the API behind the gateway')
    .option('--pay-to <address>', 'your wallet')
    .option('--network <name>', 'network that you are paid on, such as base')
    .option('--facilitator <url>', 'who verifies and settles; default: a public one for the network')
    .option('--price <price>', 'what a call costs', '$0.001')
    .option('--price-per-tag <tag=price>', 'what operations with a tag cost; may be repeated', collect)
    .option('--free <operation>', "an operation that is free, such as 'GET /health'; may be repeated", collect)
    .option('-o, --output <file>', 'file to write; - for stdout', DEFAULT_FILE)
    .option('--force', 'overwrite the file')
    .addHelpText(
      'after',
      example(
        'turnpike init',
        "turnpike init --upstream http://127.0.0.1:8080 --pay-to 0x… --network base --price '$0.002'",
        "turnpike init --from-openapi openapi.yaml --upstream http://127.0.0.1:8080 --pay-to 0x… --free 'GET /health'",
      ),
    )
    .action(async (options: InitOptions) => finish(await init(options, { terminal, registry })));
}

async function init(options: InitOptions, { terminal, registry }: CliWorld): Promise<ExitCode> {
  const { output, force, fromOpenapi } = options;
  if (output !== '-' && force !== true && existsSync(output)) {
    throw new UsageError(`${output} exists: --force overwrites it, -o FILE writes another one`);
  }
  const pricing = readPricing(options);
  const table = fromOpenapi === undefined ? wholeApi(options) : await tableOf(fromOpenapi, pricing);
  const schemes = await registry.loadSchemes();
  const settings = await completeSettings(options, schemes, terminal);
  const { origin, notes } = table;
  const description = table.description && placeBeside(output, table.description);
  const gateway: GatewayDraft = { ...settings, origin, description, notes };
  const text = configText(gateway, table.routes);
  const warnings = checkOwnWork(text, output, schemes);
  if (output === '-') terminal.stdout.write(text);
  else write(output, text, force === true);
  for (const line of table.report) notice(terminal, line);
  for (const warning of warnings) notice(terminal, `warning: ${warning}`);
  if (output !== '-') {
    print(terminal, `wrote ${output}: ${table.routes.length} ${table.routes.length === 1 ? 'route' : 'routes'}`);
    notice(terminal, `next: turnpike check -c ${output} && turnpike start -c ${output}`);
  }
  return 0;
}

/** The description's path relative to the written file. A description from a URL has to be saved first. */
function placeBeside(output: string, source: string): string {
  if (/^https?:/i.test(source)) return './openapi.json';
  const place = relative(output === '-' ? '.' : dirname(output), source);
  return place.startsWith('.') || isAbsolute(place) ? place : `./${place}`;
}

/** Without a description everything costs the same. */
function wholeApi({ price, free = [], pricePerTag = [] }: InitOptions): Table {
  if (pricePerTag.length > 0) throw new UsageError('--price-per-tag needs --from-openapi: only operations have tags');
  const routes = free.map((operation): RouteDraft => {
    const [method = '', path = ''] = operation.trim().split(/ +/);
    return { ...PLAIN_ROUTE, method: method.toUpperCase(), path, price: 'free' };
  });
  return {
    routes: [...routes, { ...PLAIN_ROUTE, method: '*', path: '/*', price }],
    origin: undefined,
    description: undefined,
    notes: [],
    report: [],
  };
}

async function tableOf(source: string, pricing: Pricing): Promise<Table> {
  const document = await readApiDocument(source);
  const drafts = draftRoutes(readOperations(document), pricing);
  const { routes, covered, unsayable, unknownFree, unknownTags, widerFree } = drafts;
  if (unknownTags.length > 0) {
    throw new UsageError(`--price-per-tag names a tag that no operation of ${source} has: ${unknownTags.join(', ')}`);
  }
  if (unknownFree.length > 0) {
    throw new UsageError(
      `--free names no operation of ${source}: ${unknownFree.join(', ')}; paths include the base path`,
    );
  }
  if (widerFree.length > 0) {
    throw new UsageError(
      `--free names what only a wider route can say, which would give more away: ${widerFree.join(', ')}; leave it out, and write its route by hand`,
    );
  }
  if (routes.length === 0) throw new UsageError(`${source} holds no operation that a route can sell`);
  const bases = countBasePaths(document);
  const several = bases > 1 ? [`The document names servers with ${bases} base paths; the first is taken.`] : [];
  const shared = covered - routes.length;
  const missing = unsayable.map((each) => `not for sale: ${each}`);
  return {
    routes,
    description: source,
    origin: `From ${source.replace(/^.*[/\\]/, '')}: ${covered} operations on ${routes.length} routes.`,
    notes: [...several, ...missing],
    report: [
      ...several,
      ...(shared === 0 ? [] : [`${shared} operations share the route of others, because the same requests match them`]),
      ...missing,
    ],
  };
}

/** Makes sure that the written text passes `check`. If not, this command is wrong, or a path that was named as free. */
function checkOwnWork(text: string, output: string, schemes: readonly Scheme[]): readonly string[] {
  const loaded = checkText(text, output, schemes);
  if (loaded.ok) return loaded.warnings.map(renderProblem);
  throw new CommandFailure(
    ['the file would not pass `turnpike check`; nothing was written', ...loaded.problems.map(renderProblem)].join('\n'),
  );
}

function write(file: string, text: string, overwrite: boolean): void {
  try {
    writeFileSync(file, text, { flag: overwrite ? 'w' : 'wx' });
  } catch (fault) {
    throw new CommandFailure(`cannot write ${file}: ${whyUnwritable(fault)}`);
  }
}
