/** Reads a file's text; throws where it cannot be read. */
export type ReadFile = (path: string) => string;

/** A reader, and everything that it has read. */
export interface FileRecord {
  readonly readFile: ReadFile;
  /** Content by path, as the path was given. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Writes down what loading a configuration reads: workers load it from the record, so that all of them, and those that
 * take the place of one that ended, run on the configuration that was checked, whatever became of the files since.
 */
export function recordFiles(readFile: ReadFile): FileRecord {
  const files = new Map<string, string>();
  return {
    files,
    readFile(path) {
      const text = readFile(path);
      files.set(path, text);
      return text;
    },
  };
}

/** Reads from a record instead of the disk. */
export function readRecorded(files: ReadonlyMap<string, string>): ReadFile {
  return (path) => {
    const text = files.get(path);
    if (text === undefined) throw new Error(`${path} was not read when the configuration was checked`);
    return text;
  };
}
