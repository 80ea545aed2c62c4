import { type Cli, example } from '../cli.ts';
import { addInspect } from './inspect.ts';
import { addRevoke } from './revoke.ts';

/**
 * Adds `turnpike token` with its commands. The gateway may be running on the same store.
 *
 * @param clock Unix milliseconds
 */
export function addToken({ program, terminal, registry, finish }: Cli, clock: () => number = Date.now): void {
  const group = program
    .command('token')
    .description('look at access tokens, and take passes away')
    .helpCommand(false)
    .addHelpText(
      'after',
      example(
        'turnpike token inspect tpk_…',
        'turnpike token inspect tpk_… -c gateway.yaml',
        'turnpike token revoke ID',
      ),
    );
  const cli = { program: group, terminal, registry, finish };
  addInspect(cli, clock);
  addRevoke(cli, clock);
}
