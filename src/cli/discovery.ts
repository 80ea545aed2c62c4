import { type DiscoveryPath, discoveryPage } from '../discovery/discovery-page.ts';
import { type Cli, example } from './cli.ts';
import { UsageError } from './exit.ts';
import { type ConfigOptions, DEFAULT_FILE, readPlan } from './read-plan.ts';

/** Adds `turnpike openapi`. */
export function addOpenApi(cli: Cli): void {
  add(cli, 'openapi', '/openapi.json', 'print the OpenAPI document of what is for sale, as /openapi.json serves it');
}

/** Adds `turnpike llms-txt`. */
export function addLlmsText(cli: Cli): void {
  add(cli, 'llms-txt', '/llms.txt', 'print what /llms.txt tells language models of what is for sale');
}

function add({ program, finish, ...world }: Cli, name: string, path: DiscoveryPath, description: string): void {
  program
    .command(name)
    .description(description)
    .option('-c, --config <file>', 'configuration file', DEFAULT_FILE)
    .addHelpText('after', example(`turnpike ${name} -c gateway.yaml`))
    .action(async ({ config }: ConfigOptions) => {
      const { plan } = await readPlan(config, world);
      if (plan.discovery === undefined) throw new UsageError(`${config} turns discovery off: nothing would be served`);
      const { body } = await discoveryPage(path, plan, plan.discovery);
      world.terminal.stdout.write(body.endsWith('\n') ? body : `${body}\n`);
      finish(0);
    });
}
