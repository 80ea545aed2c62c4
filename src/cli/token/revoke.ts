import { parsePassId } from '../../domain/pass.ts';
import { type Cli, type CliWorld, example } from '../cli.ts';
import { CommandFailure, type ExitCode, UsageError } from '../exit.ts';
import { type ConfigOptions, DEFAULT_FILE } from '../read-plan.ts';
import { print, printable } from '../terminal.ts';
import { withPasses } from './open-passes.ts';

/** Adds `turnpike token revoke`. */
export function addRevoke({ program, finish, ...world }: Cli, clock: () => number): void {
  program
    .command('revoke')
    .description('end a pass for good, on every replica within five seconds')
    .argument('<id>', 'id of the pass: `pass` in the log, `X402-Pass` at the API, or from `turnpike token inspect`')
    // Ids of older releases may begin with `-`. What is no id is refused below, in its own words.
    .allowUnknownOption()
    .option('-c, --config <file>', 'configuration file', DEFAULT_FILE)
    .addHelpText('after', example('turnpike token revoke 0a1B2c3D4e5F6g7H8i9J0g'))
    .action(async (id: string, options: ConfigOptions) => finish(await revoke(id, options, world, clock())));
}

async function revoke(text: string, { config }: ConfigOptions, world: CliWorld, now: number): Promise<ExitCode> {
  const { terminal } = world;
  const id = parsePassId(text);
  if (id === undefined) {
    throw new UsageError(
      `${printable(text.slice(0, 40))} is no id of a pass: right are 22 letters, digits, - and _; of a token, turnpike token inspect shows it`,
    );
  }
  return await withPasses(config, world, async (passes) => {
    const pass = await passes.revokePass(id, now);
    if (pass === undefined) throw new CommandFailure(`the store has no pass ${id}`);
    print(terminal, `revoked ${id}, sold to ${printable(pass.payer)} for ${printable(pass.scope)}`);
    return 0;
  });
}
