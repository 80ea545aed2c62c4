import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Has the garbage collected when asked to, and says so: what is left then is held by somebody. */
const COLLECTOR = `data:text/javascript,${encodeURIComponent(
  "process.on('SIGUSR2', () => { gc(); gc(); console.log('collected'); });",
)}`;
const READY = /turnpike listening on (http:\S+) \(admin (http:[^\s)]+)\)/;

/** What a process holds, in bytes and in numbers. */
export interface Holdings {
  /** Heap in use right after a collection. */
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly descriptors: number;
}

/** A gateway in a process of its own, whose log and memory are looked at. */
export interface WatchedGateway {
  readonly url: string;
  readonly port: number;
  readonly adminUrl: string;
  /** Whether it has ended, and what it said. */
  readonly ended: () => string | undefined;
  /** Collects the garbage, and says what is left. */
  holdings(): Promise<Holdings>;
  /** Resident memory at this moment, in bytes. */
  rssBytes(): number;
  /** Open descriptors at this moment. */
  descriptors(): number;
  /** Asks it to end, and resolves when it has. */
  stop(): Promise<void>;
}

/** How a gateway is started. */
export interface WatchedStart {
  /** The script of the command, built. */
  readonly command: string;
  /** Where the configuration is written to; also the working directory. */
  readonly folder: string;
  readonly config: string;
  /** Is told of every line that it writes, of the log and beside it. */
  readonly onLine: (line: string) => void;
}

/** Starts `turnpike start` from a build, with a collector of garbage to call. Linux only: it reads `/proc`. */
export async function startWatchedGateway({ command, folder, config, onLine }: WatchedStart): Promise<WatchedGateway> {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, config);
  const child = spawn(process.execPath, ['--expose-gc', '--import', COLLECTOR, command, 'start', '-c', file], {
    cwd: folder,
    // As in the container: one arena keeps what was freed by many threads from lying about.
    env: { ...process.env, MALLOC_ARENA_MAX: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const orphaned = (): void => void child.kill('SIGKILL');
  process.once('exit', orphaned);
  const exited = once(child, 'exit');
  const said: string[] = [];
  const listening = Promise.withResolvers<{ readonly url: string; readonly adminUrl: string }>();
  const collected = new Set<() => void>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line);
    onLine(line);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, url, adminUrl] = READY.exec(line) ?? [];
    if (url !== undefined && adminUrl !== undefined) listening.resolve({ url, adminUrl });
    else if (line === 'collected') for (const tell of collected) tell();
    else onLine(line);
  });
  let end: string | undefined;
  child.once('exit', (code, signal) => {
    process.off('exit', orphaned);
    end = `${signal ?? `exit code ${code}`}\n${said.slice(-30).join('\n')}`;
    listening.reject(new Error(`the gateway ended before it listened: ${end}`));
    for (const tell of collected) tell();
  });
  const { url, adminUrl } = await listening.promise;
  const rssBytes = (): number =>
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024;
  const descriptors = (): number => readdirSync(`/proc/${child.pid}/fd`).length;
  return {
    url,
    port: Number(new URL(url).port),
    adminUrl,
    ended: () => end,
    rssBytes,
    descriptors,
    async holdings() {
      const { promise, resolve } = Promise.withResolvers<void>();
      collected.add(resolve);
      child.kill('SIGUSR2');
      await promise;
      collected.delete(resolve);
      const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
      return {
        heapBytes: metricOf(metrics, 'nodejs_heap_size_used_bytes') ?? Number.NaN,
        rssBytes: rssBytes(),
        descriptors: descriptors(),
      };
    },
    async stop() {
      if (end !== undefined) return;
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** The value of a metric without labels. */
function metricOf(text: string, name: string): number | undefined {
  const value = text.match(new RegExp(`^${name} (\\S+)$`, 'm'))?.[1];
  return value === undefined ? undefined : Number(value);
}
