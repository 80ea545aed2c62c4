import { type Cli, example } from '../cli.ts';
import { addPassesList } from './list.ts';

/**
 * Adds `turnpike passes` with its command, which only reads: the gateway may be running on the same store.
 *
 * @param clock Unix milliseconds
 */
export function addPasses({ program, terminal, registry, finish }: Cli, clock: () => number = Date.now): void {
  const group = program
    .command('passes')
    .description('see the access that was sold; turnpike token revoke takes it away')
    .helpCommand(false)
    .addHelpText('after', example('turnpike passes list --limit 20', 'turnpike passes list --payer 0x2096… --json'));
  addPassesList({ program: group, terminal, registry, finish }, clock);
}
