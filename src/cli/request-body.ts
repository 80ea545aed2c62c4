import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { whyUnreadable } from '../config/unreadable.ts';
import { UsageError } from './exit.ts';
import { printable, type Terminal } from './terminal.ts';

/** What `-d` takes, for the help of commands. */
export const BODY_OPTION = 'request body; @file reads it from a file, @- from stdin';

/**
 * Reads the value of `-d`.
 *
 * @throws UsageError for a file that cannot be read
 */
export async function readBody(
  data: string | undefined,
  terminal: Terminal,
): Promise<string | Uint8Array<ArrayBuffer> | undefined> {
  if (data === undefined || !data.startsWith('@')) return data;
  if (data === '@-') return new Uint8Array(await buffer(terminal.stdin));
  try {
    return new Uint8Array(await readFile(data.slice(1)));
  } catch (fault) {
    throw new UsageError(`cannot read the body from ${printable(data.slice(1))}: ${whyUnreadable(fault)}`);
  }
}
