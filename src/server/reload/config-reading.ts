import { createHash } from 'node:crypto';
import type { LoadedConfig } from '../../config/load.ts';

/** Reads a file's text; throws where it cannot be read. */
export type ReadFile = (path: string) => string;

/** The content of the files that a configuration was read from, by path; `undefined` for a file without content. */
export type FileContents = ReadonlyMap<string, string | undefined>;

/** A configuration as it was read at one moment. */
export interface ConfigReading {
  readonly loaded: LoadedConfig;
  /** All files that were read for it, or could not be read. */
  readonly contents: FileContents;
}

/**
 * Loads a configuration and keeps the files that it was loaded from. Workers load it from these, so that all workers,
 * and their replacements, use what was checked, even if the files have changed since.
 *
 * @param load reads files with the given function only
 */
export function readConfiguration(load: (readFile: ReadFile) => LoadedConfig, readFile: ReadFile): ConfigReading {
  const contents = new Map<string, string | undefined>();
  const loaded = load((path) => {
    contents.set(path, undefined);
    const text = readFile(path);
    contents.set(path, text);
    return text;
  });
  return { loaded, contents };
}

/** Reads from the kept files instead of the disk. */
export function readKept(contents: FileContents): ReadFile {
  return (path) => {
    const text = contents.get(path);
    if (text === undefined) throw new Error(`${path} was not read when the configuration was checked`);
    return text;
  };
}

/**
 * A digest of each file of {@link FileContents}, by path: tells whether a file has changed without keeping its text, which
 * is large or secret. `undefined` for a file without content.
 */
export type FileDigests = ReadonlyMap<string, string | undefined>;

/**
 * How much of a text is hashed at once. To hash 5 MB at once takes a copy of 15 MB, and once glibc has freed a copy of that
 * size, it keeps that and all smaller ones for later.
 */
const PART_CHARS = 32_768;

/** The digests of the files that a configuration was read from. */
export function digestsOf(contents: FileContents): FileDigests {
  return new Map([...contents].map(([path, text]) => [path, digestOf(text)]));
}

/** Whether the files still have the same content. */
export function isUnchanged(digests: FileDigests, readFile: ReadFile): boolean {
  return [...digests].every(([path, digest]) => digestOf(readOrNothing(path, readFile)) === digest);
}

function digestOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const hash = createHash('sha256');
  for (let at = 0; at < text.length; at += PART_CHARS) hash.update(text.slice(at, at + PART_CHARS), 'utf16le');
  return hash.digest('base64');
}

function readOrNothing(path: string, readFile: ReadFile): string | undefined {
  try {
    return readFile(path);
  } catch {
    return undefined;
  }
}
