import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { atExit } from './at-exit.ts';

const READY_LINE = /turnpike listening on (http:\S+) \(admin (http:[^\s)]+)\)/;

/** How long the gateway may take to become ready once it listens, in milliseconds. */
const START_TIMEOUT_MS = 60_000;

/** `turnpike start` as a process of its own, as an operator runs it. */
export interface TurnpikeCommand {
  readonly pid: number;
  readonly url: string;
  readonly adminUrl: string;
  /** Milliseconds from when it was started until `/readyz` said 200. */
  readonly readyAfterMs: number;
  /** Ends it with all of its workers. */
  stop(): Promise<void>;
}

/** What becomes of the log of a command, from where it listens on. */
export type ReadLog = (log: Readable) => void;

/** Reads the log and drops it, as cheaply as can be. */
const dropLog: ReadLog = (log) => void log.resume();

/**
 * Runs `turnpike start` on a configuration file until `/readyz` says that it is ready. It ends with this process.
 *
 * @param script the command's executable, `bin/turnpike.js` of a built package
 */
export async function startTurnpike(
  script: string,
  file: string,
  readLog: ReadLog = dropLog,
): Promise<TurnpikeCommand> {
  const startedAt = performance.now();
  // What V8 made of the code is kept beside it, for the next start and no longer than the package: not in the home folder.
  // Nor does a benchmark ask a node on the internet for what became of its payments.
  const cache = join(dirname(script), '..', 'cache');
  const env = { ...process.env, XDG_CACHE_HOME: cache, TURNPIKE_PUBLIC_NODES: 'off' };
  const child = spawn(process.execPath, [script, 'start', '-c', file], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const kill = (): void => void child.kill('SIGTERM');
  const forget = atExit(kill);
  const gone = once(child, 'exit');
  const stop = async (): Promise<void> => {
    forget();
    kill();
    await gone;
  };
  try {
    const { url, adminUrl } = await addressesOf(child, readLog);
    await untilReady(adminUrl);
    const readyAfterMs = performance.now() - startedAt;
    return { pid: child.pid ?? 0, url, adminUrl, readyAfterMs, stop };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

/** Reads the line that says where it listens. What comes after it is the log. */
async function addressesOf({ stdout }: ChildProcess, readLog: ReadLog): Promise<{ url: string; adminUrl: string }> {
  if (stdout === null) throw new Error('the command has no output');
  const lines = createInterface({ input: stdout });
  try {
    for await (const line of lines) {
      const [, url, adminUrl] = READY_LINE.exec(line) ?? [];
      if (url !== undefined && adminUrl !== undefined) return { url, adminUrl };
    }
  } finally {
    lines.close();
    stdout.removeAllListeners('data');
    readLog(stdout);
  }
  throw new Error('turnpike start ended before it was ready');
}

async function untilReady(adminUrl: string): Promise<void> {
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  for (;;) {
    const { status, body } = await fetch(`${adminUrl}/readyz`, { signal });
    await body?.cancel();
    if (status === 200) return;
  }
}
