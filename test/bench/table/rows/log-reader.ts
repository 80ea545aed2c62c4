import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { scrape, sumOf } from '../../../support/metrics.ts';
import { residentMegabytes } from '../../resident-memory.ts';
import type { Side } from '../../suite.ts';
import type { ReadLog, TurnpikeCommand } from '../../turnpike-command.ts';
import type { Workbench } from '../../workbench.ts';
import { race, rateBeside } from '../race.ts';
import { atLeast, atMost, type Row } from '../row.ts';

/** A slow reader takes what its end of the pipe holds, up to 64 KB, so often. Some hundred lines a second. */
const SLOW_MS = 500;
/** Seconds of load until a stalled log must have lost lines: it takes a megabyte. */
const LOSS_SECONDS = 60;
/** How often, and after how many milliseconds each, a log that is read again is looked at for what it says is missing. */
const SAID_LOOKS = 100;
const LOOK_MS = 100;

const SIDES = { read: 'log read', slow: 'log read slowly', stalled: 'log not read' } as const;

/** What a log costs that is read too slowly, or no longer: no throughput, bounded memory, and lines that are counted. */
export const logReader: Row = {
  name: 'log',
  title: 'stalled or slow log reader',
  aims: [
    atLeast(0.95, 'rate with a stalled reader'),
    atLeast(0.95, 'rate with a slow reader'),
    atMost(20, 'resident with a stalled reader, more than with a good one', 'MB'),
    atMost(0, 'requests without a line that were not counted as lost'),
    atMost(0, 'lost lines of which the log does not say'),
  ],
  async measure(bench, plan) {
    const stalled = await start(bench, stall);
    const slow = await start(bench, readSlowly);
    const read = await start(bench, (log) => void log.resume());
    const side = (name: string, { url }: TurnpikeCommand): Side => bench.side(name, `${url}/free`);
    const subject = side(SIDES.read, read.command);
    const partners = [side(SIDES.stalled, stalled.command), side(SIDES.slow, slow.command)];
    const outcome = await race({ subject, partners }, plan);
    const more = (await residentMegabytes(stalled.command.pid)) - (await residentMegabytes(read.command.pid));
    const account = await accountOf(stalled, side(SIDES.stalled, stalled.command));
    // The reader that keeps up is the scale, which the other two are held against.
    const inverse = (name: string) => rateBeside(outcome, name)?.map((ratio) => 1 / ratio);
    return [inverse(SIDES.stalled), inverse(SIDES.slow), [more], [account.unaccounted], [account.unsaid]];
  },
};

/** A gateway whose log is read in a way, or not at all. */
interface Logging {
  readonly command: TurnpikeCommand;
  readonly log: Readable;
}

async function start(bench: Workbench, readLog: ReadLog): Promise<Logging> {
  const file = await bench.config({ routes: '  - { path: /free, price: free }\n' });
  let log: Readable | undefined;
  const command = await bench.commandOn(file, undefined, (stdout) => {
    log = stdout;
    readLog(stdout);
  });
  if (log === undefined) throw new Error('the command has no log');
  return { command, log };
}

function stall(log: Readable): void {
  log.pause();
}

function readSlowly(log: Readable): void {
  log.pause();
  const timer = setInterval(() => log.read(), SLOW_MS);
  log.once('close', () => clearInterval(timer));
}

/** What became of the lines of a log that was not read. */
interface Account {
  readonly unaccounted: number;
  readonly unsaid: number;
}

/** Reads a stalled log to its end, and compares it with what the gateway counted. @throws Error when no line was lost */
async function accountOf({ command, log }: Logging, side: Side): Promise<Account> {
  for (let second = 0; (await lostLines(command)) === 0; second += 1) {
    if (second === LOSS_SECONDS) throw new Error('a log that nobody read has lost no line');
    await side.measure(1);
  }
  const lines = new LogLines(log);
  // The last lines of the command are no requests: they come once there is room for them again.
  for (let look = 0; lines.said === 0 && look < SAID_LOOKS; look += 1) await wait(LOOK_MS);
  const requests = sumOf(await scrape(command.adminUrl), 'turnpike_requests_total');
  const lost = await lostLines(command);
  await command.stop();
  await lines.ended;
  return { unaccounted: Math.abs(requests - lines.written - lost), unsaid: Math.abs(lost - lines.said) };
}

async function lostLines({ adminUrl }: TurnpikeCommand): Promise<number> {
  return sumOf(await scrape(adminUrl), 'turnpike_log_lines_dropped_total');
}

/** Counts the lines of a log while it is read. */
class LogLines {
  /** Lines of requests. */
  written = 0;
  /** Lines of which others say that they are missing. */
  said = 0;
  readonly ended: Promise<unknown>;

  constructor(log: Readable) {
    const reader = createInterface({ input: log });
    this.ended = once(reader, 'close');
    reader.on('line', (line) => {
      if (line.includes('"msg":"request"')) this.written += 1;
      if (line.includes('"msg":"log lines dropped"')) this.said += Number(/"dropped":(\d+)/.exec(line)?.[1]);
    });
  }
}
