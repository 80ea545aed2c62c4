import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** One line of the gateway's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A gateway in a process of its own. */
export interface GatewayProcess {
  /** Its public address, once it listens; rejects when the process ends before. */
  readonly listening: Promise<string>;
  /** What it logged so far. */
  readonly log: readonly LogLine[];
  /** Kills it with `kill -9`: it cannot clean up. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Asks it to end, and resolves to its exit code; `null` when a signal ended it. */
  stop(): Promise<number | null>;
}

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const READY = /turnpike listening on (http:\S+)/;

/** Starts `turnpike start` on a configuration file, with more in its environment. It ends with this process. */
export function startGatewayProcess(configFile: string, env: Readonly<Record<string, string>> = {}): GatewayProcess {
  const program = ['--conditions=development', 'bin/turnpike.js', 'start', '-c', configFile];
  const child = spawn(process.execPath, program, {
    cwd: CHECKOUT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const orphaned = (): void => void child.kill('SIGKILL');
  process.once('exit', orphaned);
  const { promise: listening, resolve, reject } = Promise.withResolvers<string>();
  // A test that kills it at once does not wait until it listens.
  listening.catch(() => {});
  const complaints: string[] = [];
  const log: LogLine[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const url = READY.exec(line)?.[1];
    if (url !== undefined) resolve(url);
    else if (line.startsWith('{')) readLine(line, log);
  });
  child.once('exit', (code, signal) => {
    process.off('exit', orphaned);
    reject(new Error(`the gateway ended with ${signal ?? code} before it listened\n${complaints.join('\n')}`));
  });
  return {
    listening,
    log,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      child.kill('SIGTERM');
      await exited;
      return child.exitCode;
    },
  };
}

/** A process that was killed may have left half a line. */
function readLine(line: string, log: LogLine[]): void {
  try {
    log.push(JSON.parse(line));
  } catch {
    log.push({ cut: line });
  }
}
