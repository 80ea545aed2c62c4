import { Command } from 'commander';
import { builtIn, type Registry } from '../registry.ts';
import { verifyCertificates } from './certificates.ts';
import type { Cli } from './cli.ts';
import { CommandFailure, type ExitCode, reportFault } from './exit.ts';
import { OutputFaults } from './output-fault.ts';
import type { Terminal } from './terminal.ts';
import { readVersion } from './version.ts';

/** Adds a command to the program. */
type AddCommand = (cli: Cli) => void;

/**
 * The commands, in the order of `--help`. Each is loaded when it is called, so that a gateway does not hold a chain's
 * client and a buyer's wallet in memory.
 */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  start: async () => (await import('./start.ts')).addStart,
  check: async () => (await import('./check.ts')).addCheck,
  routes: async () => (await import('./routes.ts')).addRoutes,
  explain: async () => (await import('./explain/explain.ts')).addExplain,
  openapi: async () => (await import('./discovery.ts')).addOpenApi,
  'llms-txt': async () => (await import('./discovery.ts')).addLlmsText,
  pay: async () => (await import('./pay/pay.ts')).addPay,
  listed: async () => (await import('./listed/listed.ts')).addListed,
  mcp: async () => (await import('./mcp/mcp.ts')).addMcp,
  ledger: async () => (await import('./ledger/ledger.ts')).addLedger,
  passes: async () => (await import('./passes/passes.ts')).addPasses,
  keys: async () => (await import('./keys/keys.ts')).addKeys,
  token: async () => (await import('./token/token.ts')).addToken,
  demo: async () => (await import('./demo/demo.ts')).addDemo,
  devnet: async () => (await import('./devnet.ts')).addDevnet,
  init: async () => (await import('./init/init.ts')).addInit,
  schema: async () => (await import('./schema.ts')).addSchema,
  completion: async () => (await import('./completion.ts')).addCompletion,
};

/**
 * Runs one command line and returns its exit code: 0 fine, 1 failed at run time, 2 wrong usage or configuration.
 * Never rejects.
 *
 * @param argv arguments without the executable and the script
 * @param terminal `process`, or something like it
 * @param registry what gateways are made of; a program that embeds the gateway may add to what is built in
 * @example
 * process.exitCode = await run(process.argv.slice(2), process);
 */
export async function run(
  argv: readonly string[],
  terminal: Terminal,
  registry: Registry = builtIn,
): Promise<ExitCode> {
  // A reader that has gone (`turnpike routes | head -1`) is no fault of ours, and must not end a gateway.
  terminal.stderr.on('error', () => {});
  const faults = new OutputFaults(terminal.stdout);
  verifyCertificates(terminal);
  let code: ExitCode = 0;
  const finish = (given: ExitCode): void => {
    code = given;
  };
  try {
    const program = createProgram(terminal);
    for (const add of await loadCommands(argv)) add({ program, terminal, registry, finish });
    await program.parseAsync([...argv], { from: 'user' });
    // Half a result must not look like a whole one. What a gateway writes is its log, which it can go without.
    const lost = argv[0] === 'start' ? undefined : await faults.first();
    if (lost !== undefined) throw new CommandFailure(`the output cannot be written: ${lost.message}`);
    return code;
  } catch (fault) {
    return reportFault(fault, terminal);
  }
}

/** The command that is named, or all of them, for the help, the completion and the suggestions of a typo. */
async function loadCommands(argv: readonly string[]): Promise<readonly AddCommand[]> {
  const named = argv.find((argument) => !argument.startsWith('-'));
  const isAlone = named !== undefined && named !== 'completion' && Object.hasOwn(COMMANDS, named);
  const load = isAlone ? COMMANDS[named] : undefined;
  return await Promise.all(load === undefined ? Object.values(COMMANDS).map((each) => each()) : [load()]);
}

function createProgram(terminal: Terminal): Command {
  return new Command('turnpike')
    .description('A reverse-proxy payment gateway for x402: it prices an HTTP API from a YAML table.')
    .helpCommand('help [command]', 'show the help of a command')
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(withConfigHint(text)),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .version(readVersion(), '-V, --version', 'show the version')
    .addHelpText('after', '\nExample:\n  $ turnpike demo');
}

/** Adds how to name a configuration file where one was given as an argument: `turnpike check gateway.yaml`. */
function withConfigHint(text: string): string {
  const [, given] = /too many arguments for .* got \d+: (\S+\.ya?ml)\.\n$/.exec(text) ?? [];
  return given === undefined ? text : `${text}(Did you mean -c ${given}?)\n`;
}
