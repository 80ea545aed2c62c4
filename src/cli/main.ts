import { Command } from 'commander';
import { addCheck } from './check.ts';
import type { Cli } from './cli.ts';
import { addDemo } from './demo/demo.ts';
import { addDevnet } from './devnet.ts';
import { type ExitCode, reportFault } from './exit.ts';
import { addExplain } from './explain/explain.ts';
import { addPay } from './pay/pay.ts';
import { addRoutes } from './routes.ts';
import { addSchema } from './schema.ts';
import { addStart } from './start.ts';
import type { Terminal } from './terminal.ts';
import { readVersion } from './version.ts';

/** The commands, in the order of `--help`. */
const COMMANDS: readonly ((cli: Cli) => void)[] = [
  addStart,
  addCheck,
  addRoutes,
  addExplain,
  addPay,
  addDemo,
  addDevnet,
  addSchema,
];

/**
 * Runs one command line and returns its exit code: 0 fine, 1 failed at run time, 2 wrong usage or configuration.
 * Never rejects.
 *
 * @param argv arguments without the executable and the script
 * @param terminal `process`, or something like it
 * @example
 * process.exitCode = await run(process.argv.slice(2), process);
 */
export async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  // A reader that has gone (`turnpike routes | head -1`) is no fault of ours, and no reason for a gateway to fall over.
  for (const output of [terminal.stdout, terminal.stderr]) output.on('error', () => {});
  let code: ExitCode = 0;
  const program = createProgram(terminal, (given) => {
    code = given;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (fault) {
    return reportFault(fault, terminal);
  }
}

function createProgram(terminal: Terminal, finish: Cli['finish']): Command {
  const program = new Command('turnpike')
    .description('A reverse-proxy payment gateway for x402: it prices an HTTP API from a YAML table.')
    .helpCommand(false)
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .version(readVersion(), '-V, --version', 'show the version')
    .addHelpText('after', '\nExample:\n  $ turnpike demo');
  for (const add of COMMANDS) add({ program, terminal, finish });
  return program;
}
