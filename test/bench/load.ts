import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { System } from './system.ts';

/** What to put under load. */
export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** The status that every answer must have. */
  readonly status: number;
  /** Headers of every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Body of every request, which is a POST then; absent: a GET. */
  readonly body?: string | undefined;
}

/** Puts a URL under load and returns requests per second; rejects when anything but the status came back. */
export type LoadGenerator = (load: Load) => Promise<number>;

/** The best generator for requests that are all the same: wrk where it may be used, else the own client. */
export function chooseGenerator(own: System, npmOnly: boolean): { readonly name: string; readonly run: LoadGenerator } {
  // wrk ends with a usage text and status 1 when it is only asked for its version.
  const hasWrk = !npmOnly && spawnSync('wrk', ['-v']).error === undefined;
  return hasWrk ? { name: 'wrk', run: wrk } : { name: 'undici', run: ownLoad(own) };
}

/** The own client of `systems/load-generator.ts`: as many kept-alive connections, one request at a time on each. */
export function ownLoad(own: System): LoadGenerator {
  return (load) => own.measure({ kind: 'load', payments: 0, ...load });
}

/** How long wrk waits for an answer: with thousands of connections on a busy machine more than its own 2 s. */
const WAIT = '60s';

async function wrk({ url, connections, seconds, status, headers }: Load): Promise<number> {
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const child = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', WAIT, ...fields, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  await once(child, 'close');
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]);
  const total = Number(/(\d+) requests in/.exec(output)?.[1]);
  const others = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0);
  const expectedOthers = status < 400 ? 0 : total;
  if (!(perSecond > 0) || others !== expectedOthers || output.includes('Socket errors')) {
    throw new Error(`wrk on ${url} met something else than ${status}:\n${output}`);
  }
  return perSecond;
}
