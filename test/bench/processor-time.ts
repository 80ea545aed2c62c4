import { readFile } from 'node:fs/promises';

/** Linux counts processor time in ticks of this many microseconds (`getconf CLK_TCK` is 100 on every platform that Node supports). */
const TICK_MICROS = 10_000;
/** Where `utime` and `stime` stand behind the name of the command, proc(5). */
const USER = 11;
const SYSTEM = 12;

/**
 * Processor time that a process has used, all of its threads or one of them, in microseconds; NaN for none, or where there
 * is no `/proc`.
 */
export async function processorMicrosOf(pid: number | undefined, thread?: string): Promise<number> {
  if (pid === undefined || process.platform !== 'linux') return Number.NaN;
  const stat = await readFile(`/proc/${pid}/${thread === undefined ? '' : `task/${thread}/`}stat`, 'utf8');
  // The name of the command stands in parentheses and may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER]) + Number(fields[SYSTEM])) * TICK_MICROS;
}
