import type { LoadedConfig } from '../../config/load.ts';

/** Reads a file's text; throws where it cannot be read. */
export type ReadFile = (path: string) => string;

/** What became of the files that a configuration was read from: their content by path, `undefined` for no content. */
export type FileContents = ReadonlyMap<string, string | undefined>;

/** A configuration as it was read at one time. */
export interface ConfigReading {
  readonly loaded: LoadedConfig;
  /** Everything that was read for it, or could not be. */
  readonly contents: FileContents;
}

/**
 * Loads a configuration and keeps what it was loaded from: workers load it from there, so that all of them, and those
 * that take the place of one that ended, run on what was checked, whatever became of the files since.
 *
 * @param load reads files with the function that it is given, and with no other
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

/** Reads from what was kept instead of the disk. */
export function readKept(contents: FileContents): ReadFile {
  return (path) => {
    const text = contents.get(path);
    if (text === undefined) throw new Error(`${path} was not read when the configuration was checked`);
    return text;
  };
}

/** Whether files still say what they said. */
export function isUnchanged(contents: FileContents, readFile: ReadFile): boolean {
  return [...contents].every(([path, text]) => readOrNothing(path, readFile) === text);
}

function readOrNothing(path: string, readFile: ReadFile): string | undefined {
  try {
    return readFile(path);
  } catch {
    return undefined;
  }
}
