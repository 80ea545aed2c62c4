import { statSync } from 'node:fs';

/**
 * The files of an open database: the file itself and the two that SQLite keeps beside it. SQLite goes on writing into
 * a file that was removed, renamed or replaced, and what it writes there is lost at the next start.
 */
export class OpenedFiles {
  readonly #path: string;
  readonly #identities: ReadonlyMap<string, string>;

  /** @param path absolute; the database is open and was read, so that all its files exist */
  constructor(path: string) {
    this.#path = path;
    // SQLite removes the files beside the database with its last connection, and makes them anew with the next first one.
    this.#identities = new Map([path, `${path}-wal`, `${path}-shm`].map((each) => [each, identityOf(each)]));
  }

  /** Why the database cannot be used as it is, and what to do; `undefined` while its files are where they were. */
  trouble(): FilesMoved | undefined {
    for (const [path, opened] of this.#identities) {
      const now = identityOf(path);
      if (now !== opened) return this.#describe(path, now);
    }
    return undefined;
  }

  #describe(path: string, now: string): FilesMoved {
    if (path !== this.#path) {
      const why = isIdentity(now) ? 'was replaced' : `is not there any more (${now})`;
      return {
        isDatabase: false,
        message: `the ledger's file ${path} ${why}: stop the gateway by SIGTERM, which saves what that file held, and start it`,
      };
    }
    return {
      isDatabase: true,
      message: isIdentity(now)
        ? `the ledger's file ${path} was replaced by another one: put the old file back, or restart the gateway to use this one`
        : `the ledger's file ${path} was removed or renamed (${now}): put it back; or stop the gateway, put a backup in its place, and start it`,
    };
  }
}

/** A file of the database is not the one that was opened. */
export interface FilesMoved {
  /** Whether it is the database itself, and not a file beside it. */
  readonly isDatabase: boolean;
  readonly message: string;
}

/** Device and inode of a file; where there is none that can be looked at, the code of the system's error. */
function identityOf(path: string): string {
  try {
    // As bigint: file systems have inodes beyond 2^53.
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

function isIdentity(text: string): boolean {
  return text.includes(':');
}
