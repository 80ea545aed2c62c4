import { isUtf8 } from 'node:buffer';
import { accessSync, closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';

/**
 * Reads a text file. Anything but a regular file is refused: a read of a pipe would stop the process until somebody
 * writes into it.
 *
 * @throws Error with the system's code, or with what is wrong as its message
 */
export function readTextFile(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (stats.isFIFO()) throw new Error('it is a pipe');
    if (!stats.isFile() && !stats.isDirectory()) throw new Error('it is no file but a device or a socket');
    return asText(readFileSync(file));
  } finally {
    closeSync(file);
  }
}

/** The same for a command that ends: its input may be a pipe. */
export function readTextOrPipe(path: string): string {
  return asText(readFileSync(path));
}

/** @throws Error with the system's code, where it is a folder, is not there or may not be read */
export function lookAtFile(path: string): void {
  accessSync(path, constants.R_OK);
  if (statSync(path).isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
}

/** Editors and shells of Windows write a byte order mark in front of a text, which is no part of a key or a token. */
function asText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new Error('it is not in UTF-8');
  return bytes.toString('utf8').replace(/^\ufeff/, '');
}
