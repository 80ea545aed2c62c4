import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Job, Pace } from './systems/lifeline.ts';

/** A system under test, or one that helps to test, in a process of its own. */
export interface System {
  /** Where it listens; `''` for one that only does jobs. */
  readonly url: string;
  readonly pid: number | undefined;
  /** Gives it a job and waits for the rate, per second. One job at a time. */
  measure(job: Job): Promise<number>;
  /** The same for a job whose answer is the latency of each request, in milliseconds. */
  pace(job: Pace): Promise<readonly number[]>;
  /** Lets it finish and waits for its end. */
  stop(): Promise<void>;
}

/**
 * Starts `systems/<name>.ts` and waits until it listens. It ends with this process, however that ends.
 *
 * @param options options of Node itself, such as `--cpu-prof`
 */
export async function startSystem(
  name: string,
  args: readonly string[] = [],
  options: readonly string[] = [],
): Promise<System> {
  const script = fileURLToPath(new URL(`./systems/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [...options, script, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const url = readText(await nextMessage(child, name), 'url');
  const ask = async (job: Job | Pace, key: string): Promise<unknown> => {
    child.send(job);
    const answer = await nextMessage(child, name);
    if (isRecord(answer) && answer[key] !== undefined) return answer[key];
    throw new Error(`${name}: ${readText(answer, 'error')}`);
  };
  return {
    url,
    pid: child.pid,
    measure: async (job) => Number(await ask(job, 'perSecond')),
    async pace(job) {
      const latencies = await ask(job, 'latenciesMs');
      return Array.isArray(latencies) ? latencies.map(Number) : [];
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

async function nextMessage(child: ChildProcess, name: string): Promise<unknown> {
  const done = new AbortController();
  const gone = once(child, 'exit', { signal: done.signal }).then(() => {
    throw new Error(`${name} ended without an answer`);
  });
  try {
    const [message] = await Promise.race([once(child, 'message', { signal: done.signal }), gone]);
    return message;
  } finally {
    gone.catch(() => {});
    done.abort();
  }
}

function readText(message: unknown, key: string): string {
  const value = isRecord(message) ? message[key] : undefined;
  if (typeof value !== 'string') throw new Error(`expected a message with ${key}, not ${JSON.stringify(message)}`);
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
