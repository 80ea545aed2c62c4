import { InvalidArgumentError } from 'commander';
import { approvePermit2, type Devnet, startDevnet } from '../devnet/devnet.ts';
import { useDevnet } from '../devnet/existing-chain.ts';
import { formatUnits } from '../domain/amount.ts';
import { type Cli, example } from './cli.ts';
import { CommandFailure, type ExitCode } from './exit.ts';
import { watchForStop } from './stop.ts';
import { notice, print, type Terminal } from './terminal.ts';

interface DevnetOptions {
  readonly port: number;
  readonly config?: true;
  readonly rpc?: string;
}

/** Adds `turnpike devnet`. */
export function addDevnet({ program, terminal, finish }: Cli): void {
  program
    .command('devnet')
    .description('run a local chain with a test USDC that x402 clients take for Base Sepolia')
    .option('--port <number>', 'port of the RPC on 127.0.0.1; 0 takes a free one', parsePort, 8545)
    .option('--rpc <url>', 'use an anvil that runs elsewhere, where this machine has none', parseRpcUrl)
    .option('--config', 'write a whole gateway.yaml for it to stdout, in place of its facts')
    .addHelpText('after', example('turnpike devnet --port 8545', 'turnpike devnet --config > gateway.yaml'))
    .action(async (options: DevnetOptions) => finish(await devnet(options, terminal)));
}

async function devnet({ port, config, rpc }: DevnetOptions, terminal: Terminal): Promise<ExitCode> {
  const watch = watchForStop(terminal);
  try {
    if (rpc !== undefined) {
      const chain = await useDevnet(rpc, watch.signal);
      noteLacking(chain.lacking, (line) => notice(terminal, line));
      await tell(chain, { asFile: config === true, approved: false }, terminal);
      return 0;
    }
    const chain = await startDevnet({ port, signal: watch.signal });
    // A buyer does this once before paying metered prices, which are paid through Permit2.
    await approvePermit2(chain.rpcUrl, chain.accounts.buyer.key);
    await tell(chain, { asFile: config === true, approved: true }, terminal);
    notice(terminal, 'Ctrl-C ends the chain.');
    await Promise.race([watch.stopped(), chain.gone]);
    if (!watch.signal.aborted) throw new CommandFailure('the local chain has ended: its process is gone');
    await chain.close();
    return 0;
  } catch (fault) {
    if (watch.signal.aborted) return 0;
    throw fault;
  } finally {
    watch.end();
  }
}

/** Names the features that do not work on a chain without certain third-party contracts. */
function noteLacking(lacking: readonly string[], say: (line: string) => void): void {
  if (lacking.length === 0) return;
  const verb = lacking.length === 1 ? 'is' : 'are';
  say(`${lacking.join(' and ')} ${verb} not on that chain: payments that need them fail, those in USDC do not.`);
}

async function tell(
  chain: Devnet,
  { asFile, approved }: { readonly asFile: boolean; readonly approved: boolean },
  terminal: Terminal,
): Promise<void> {
  if (asFile) writeConfig(chain, terminal);
  else await describe(chain, approved, terminal);
}

async function describe(chain: Devnet, approved: boolean, terminal: Terminal): Promise<void> {
  const { settler, buyer, payee } = chain.accounts;
  const funds = formatUnits(await chain.usdcBalanceOf(buyer.address), 6);
  const facts = [
    ['RPC URL', chain.rpcUrl],
    ['Chain id', `${chain.chainId} (${chain.network}, base-sepolia)`],
    ['USDC', chain.usdc],
    ['Settler', settler.address, 'has ether for gas'],
    ['  key', settler.key],
    ['Buyer', buyer.address, `has ${funds} USDC and no ether${approved ? ', and has approved Permit2' : ''}`],
    ['  key', buyer.key],
    ['Payee', payee.address],
    ['  key', payee.key],
  ];
  for (const [name = '', value = '', remark] of facts) {
    print(terminal, `${name.padEnd(10)}${value}${remark === undefined ? '' : `  (${remark})`}`);
  }
  const local = `{ local: { rpc: { base-sepolia: "${chain.rpcUrl}" }, key: "${settler.key}" } }`;
  for (const line of [
    'A gateway on this chain has in its gateway.yaml:',
    `  payTo: "${payee.address}"`,
    '  accepts: [base-sepolia]',
    `  facilitator: ${local}`,
    'The buyer pays it with:',
    `  TURNPIKE_PAY_KEY=${buyer.key} turnpike pay URL`,
    'The next chain knows nothing of this one: restart the gateway with it, on an empty ledger.',
    'These keys are public: never use them on a real chain.',
  ]) {
    notice(terminal, line);
  }
}

/** Writes a file with which a gateway starts without changes, once there is an API. */
function writeConfig({ rpcUrl, accounts }: Devnet, terminal: Terminal): void {
  const { settler, buyer, payee } = accounts;
  const lines = [
    '# A gateway on the chain of `turnpike devnet`. Its keys are public: never use them on a real chain.',
    'listen: 127.0.0.1:8402',
    'upstream: http://127.0.0.1:8080 # your API',
    `payTo: "${payee.address}"`,
    'accepts: [base-sepolia]',
    'facilitator:',
    '  local:',
    `    rpc: { base-sepolia: "${rpcUrl}" }`,
    `    key: "${settler.key}"`,
    '# The next chain knows nothing of this one, and neither does a ledger that ends with the gateway.',
    'store: memory',
    'routes:',
    '  - { path: /*, price: $0.001 }',
  ];
  for (const line of lines) print(terminal, line);
  notice(terminal, `The buyer pays with: TURNPIKE_PAY_KEY=${buyer.key} turnpike pay URL`);
}

/** Reads the value of `--rpc`. */
export function parseRpcUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text;
  throw new InvalidArgumentError('An RPC URL looks like http://127.0.0.1:8545.');
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
}
