import { type Cli, example } from '../cli.ts';
import { addExport } from './export.ts';
import { addList } from './list.ts';
import { addResolve } from './resolve.ts';
import { addShow } from './show.ts';
import { addSummary } from './summary.ts';
import { addUsage } from './usage.ts';

/**
 * Adds `turnpike ledger` with its commands. All but `resolve` only read: the gateway may be running on the same store.
 *
 * @param clock Unix milliseconds, what `--since 24h` counts back from
 */
export function addLedger({ program, terminal, registry, finish }: Cli, clock: () => number = Date.now): void {
  const group = program
    .command('ledger')
    .description('read the record of every payment')
    .helpCommand(false)
    .addHelpText(
      'after',
      example(
        'turnpike ledger list --since 24h',
        'turnpike ledger list --unresolved --state unknown,undelivered,delivery_unknown,defaulted',
        'turnpike ledger export --format csv --since 2026-11-01 --until 2026-12-01 > november.csv',
      ),
    );
  const cli = { program: group, terminal, registry, finish };
  addList(cli, clock);
  addShow(cli, clock);
  addExport(cli, clock);
  addSummary(cli, clock);
  addUsage(cli, clock);
  addResolve(cli, clock);
}
