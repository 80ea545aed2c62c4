import { openLog } from '../../observe/log.ts';
import { type Cli, example } from '../cli.ts';
import { parseRpcUrl } from '../devnet.ts';
import { CommandFailure, type ExitCode } from '../exit.ts';
import { type StopWatch, watchForStop } from '../stop.ts';
import { print, type Terminal } from '../terminal.ts';
import { readBalances, readTransaction } from './accounts.ts';
import { buy } from './buyer.ts';
import { bringCustomers } from './customers.ts';
import { tellMeteredCall } from './metered-call.ts';
import { narrateProof, narratePurchase, narrateStart, narrateUse, readEvidence } from './story.ts';
import { openWorld, type World } from './world.ts';

interface DemoOptions {
  readonly once?: boolean;
  readonly rpc?: string;
}

/** The price of the resource that the demo buys, in atomic units of USDC: `$0.001`. */
const PRICE = 1_000n;

/** Adds `turnpike demo`. */
export function addDemo({ program, terminal, finish }: Cli): void {
  program
    .command('demo')
    .description('the whole system on this machine: chain, API, gateway, and a buyer that pays')
    .option('--once', 'end after two paid requests')
    .option('--rpc <url>', 'use an anvil that runs elsewhere, where this machine has none', parseRpcUrl)
    .addHelpText('after', example('turnpike demo', 'turnpike demo --once'))
    .action(async (options: DemoOptions) => finish(await demo(options, terminal)));
}

async function demo(options: DemoOptions, terminal: Terminal): Promise<ExitCode> {
  const watch = watchForStop(terminal);
  try {
    return await inWorld(options, watch, terminal);
  } catch (fault) {
    // A fault after the signal to stop is no failure.
    if (watch.signal.aborted) return 0;
    throw fault;
  } finally {
    watch.end();
  }
}

async function inWorld({ once, rpc }: DemoOptions, watch: StopWatch, terminal: Terminal): Promise<ExitCode> {
  const log = await openLog(terminal.stderr);
  // The story shows the same facts more clearly; the log is turned on when the story is over.
  log.level = 'warn';
  const world = await openWorld(log, watch.signal, rpc);
  try {
    await tell(world, terminal);
    await tellMeteredCall(world, (line) => print(terminal, line));
    if (once === true) return 0;
    await bringCustomers(world);
    log.level = 'info';
    narrateUse(world, (line) => print(terminal, line));
    await watch.stopped();
    return 0;
  } finally {
    await world.close();
  }
}

/** One purchase from beginning to end. Throws when the money is not where it has to be. */
async function tell(world: World, terminal: Terminal): Promise<void> {
  const { devnet, gateway } = world;
  const say = (line: string): void => print(terminal, line);
  narrateStart(world, say);
  const before = await readBalances(devnet);
  const purchase = await buy(`${gateway.url}/v1/weather/lisbon`, devnet.accounts.buyer);
  narratePurchase(purchase, say);
  const evidence = readEvidence(purchase);
  if (evidence === undefined) throw new CommandFailure('the demo failed: the paid request was not served');
  const mined = await readTransaction(devnet, evidence.transaction);
  const after = await readBalances(devnet);
  narrateProof({ evidence, mined, before, after }, say);
  const gained = after.payee - before.payee;
  if (gained !== PRICE || mined.status !== 'success') {
    throw new CommandFailure(`the demo failed: the payee got ${gained} atomic units instead of ${PRICE}`);
  }
  say(`The payee grew by exactly the price, and the buyer needed no ether.`);
}
