import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const KB_PER_MB = 1024;
/** Between two looks, in milliseconds. */
const PERIOD_MS = 50;

/** Resident memory of a process in MB of 1024 KB: from `/proc` where there is one, else by `ps`. */
export async function residentMegabytes(pid: number): Promise<number> {
  const kilobytes = process.platform === 'linux' ? await fromProc(pid) : await fromPs(pid);
  if (!(kilobytes > 0)) throw new Error(`process ${pid} shows no resident memory`);
  return kilobytes / KB_PER_MB;
}

/** The most that a process has resident while `work` goes on, and at its end, in MB. */
export async function highestDuring(pid: number, work: Promise<unknown>): Promise<number> {
  let highest = 0;
  const done = new AbortController();
  const ended = work.finally(() => done.abort());
  // It may fail while nothing waits for it; the end of this function tells of it.
  ended.catch(() => {});
  while (!done.signal.aborted) {
    highest = Math.max(highest, await residentMegabytes(pid));
    await Promise.race([wait(PERIOD_MS), ended]);
  }
  await ended;
  return Math.max(highest, await residentMegabytes(pid));
}

async function fromProc(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}

async function fromPs(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout);
}
