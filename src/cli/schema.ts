import { readAssetTable } from '../config/asset-table.ts';
import { configSchema } from '../config/json-schema.ts';
import { type Cli, example } from './cli.ts';
import { printJson } from './terminal.ts';

/** Adds `turnpike schema`. */
export function addSchema({ program, terminal, registry, finish }: Cli): void {
  program
    .command('schema')
    .description('print the JSON Schema of the configuration file, for editors')
    .addHelpText('after', example('turnpike schema > gateway.schema.json'))
    .action(() => {
      printJson(terminal, configSchema(readAssetTable(), registry));
      finish(0);
    });
}
