import type { RemoteFacilitatorSpec } from '../../domain/facilitator-spec.ts';
import type { Plan } from '../../domain/plan.ts';
import { type Cli, type CliWorld, example } from '../cli.ts';
import { CommandFailure, type ExitCode } from '../exit.ts';
import { faultText } from '../fault-text.ts';
import { type ConfigOptions, DEFAULT_FILE, readPlan } from '../read-plan.ts';
import { notice, print, printable, printJson, type Terminal } from '../terminal.ts';
import { readCatalogue } from './catalogue.ts';
import { namesListed, payeesOf, pricedRoutes } from './routes-listed.ts';
import { readVerdicts, type Verdicts } from './verdicts.ts';

interface ListedOptions extends ConfigOptions {
  readonly json?: boolean;
}

/** What is known of one route at one facilitator. */
interface Standing {
  readonly route: string;
  readonly facilitator: string;
  /** `unknown` where its catalogue cannot be read. */
  readonly status: 'listed' | 'rejected' | 'processing' | 'not listed' | 'unknown';
}

/** Adds `turnpike listed`. */
export function addListed({ program, finish, ...world }: Cli): void {
  program
    .command('listed')
    .description('ask the catalogues of the facilitators which priced routes they list')
    .option('-c, --config <file>', 'configuration file', DEFAULT_FILE)
    .option('--json', 'write {routes, troubles} as JSON')
    .addHelpText('after', example('turnpike listed -c gateway.yaml'))
    .action(async (options: ListedOptions) => finish(await showListed(options, world)));
}

async function showListed({ config, json }: ListedOptions, world: CliWorld): Promise<ExitCode> {
  const { terminal } = world;
  const { plan } = await readPlan(config, world);
  const facilitators = plan.facilitators.filter((spec) => spec.kind === 'remote');
  if (facilitators.length === 0)
    throw new CommandFailure('no facilitator with a catalogue: the one inside the gateway has none');
  const verdicts = await readVerdicts(plan);
  const troubles: string[] = [];
  const routes = (await Promise.all(facilitators.map((spec) => standingsAt(spec, plan, verdicts, troubles)))).flat();
  if (json === true) printJson(terminal, { routes, troubles });
  else show(routes, troubles, plan, terminal);
  return troubles.length === 0 ? 0 : 1;
}

async function standingsAt(
  spec: RemoteFacilitatorSpec,
  plan: Plan,
  verdicts: Verdicts,
  troubles: string[],
): Promise<readonly Standing[]> {
  let listed: ReadonlySet<string> | undefined;
  try {
    listed = namesListed(plan, await readCatalogue(spec, payeesOf(plan)));
  } catch (fault) {
    troubles.push(printable(`${spec.name}: ${faultText(fault)}`));
  }
  return pricedRoutes(plan).map(({ name }) => ({
    route: name,
    facilitator: spec.name,
    status: listed === undefined ? 'unknown' : listed.has(name) ? 'listed' : (verdicts.get(name) ?? 'not listed'),
  }));
}

function show(routes: readonly Standing[], troubles: readonly string[], plan: Plan, terminal: Terminal): void {
  const width = Math.max(...routes.map(({ status }) => status.length), 0);
  for (const { route, facilitator, status } of routes)
    print(terminal, `${status.padEnd(width)}  ${route}  (${facilitator})`);
  for (const trouble of troubles) notice(terminal, trouble);
  if (plan.discovery?.bazaar !== true) notice(terminal, 'nothing is told to catalogues: discovery.bazaar is off');
  if (plan.publicUrl === undefined)
    notice(terminal, 'publicUrl is not set: catalogues list the host that a client happened to use');
  if (routes.some(({ status }) => status === 'not listed')) {
    notice(terminal, 'what is not listed needs one paid call: turnpike pay --register URL');
  }
  if (routes.some(({ status }) => status === 'rejected')) {
    notice(terminal, 'why a route was rejected is in the log, as cataloguedReason');
  }
}
