import { type FSWatcher, watch } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** How often files without events are checked, in milliseconds: network file systems send none. */
const POLL_MS = 2000;
/** How long files must stay unchanged before they are read, in milliseconds: a writer needs more than one moment. */
const QUIET_MS = 60;
/** The name that Kubernetes renames over to change all files of a volume at once. */
const VOLUME_LINK = '..data';

/** Watches files however they change: edited, replaced by a rename, mounted from a ConfigMap. */
export interface FileWatch {
  /**
   * Watches these files from now on, whether they exist or not, and no others. It reports once soon, in any case: they
   * may have changed since the caller read them.
   */
  follow(paths: readonly string[]): void;
  close(): void;
}

/**
 * Watches files and reports when they may have changed, once they stay unchanged. Links are followed: what a reader
 * would get counts. Events make it fast, a check every two seconds makes it certain.
 */
export function watchFiles(changed: () => void): FileWatch {
  return new PollingWatch(changed);
}

class PollingWatch implements FileWatch {
  readonly #changed: () => void;
  readonly #poll: NodeJS.Timeout;
  readonly #folders = new Map<string, FSWatcher>();
  #paths: readonly string[] = [];
  #names: ReadonlySet<string> = new Set();
  /** The state that was last reported; `undefined` before the first check. */
  #told: string | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(changed: () => void) {
    this.#changed = changed;
    this.#poll = setInterval(() => this.#look(), POLL_MS);
    this.#poll.unref();
  }

  follow(paths: readonly string[]): void {
    this.#paths = [...new Set(paths)].sort();
    this.#told = undefined;
    this.#look();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #look(): void {
    if (this.#closed) return;
    if (this.#looking !== undefined) {
      this.#again = true;
      return;
    }
    this.#looking = this.#lookUntilQuiet().finally(() => {
      this.#looking = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.#look();
    });
  }

  async #lookUntilQuiet(): Promise<void> {
    const paths = this.#paths;
    let seen = await this.#signature(paths);
    this.#watchFolders(seen.folders);
    if (seen.text !== this.#told) {
      for (let last = ''; last !== seen.text; seen = await this.#signature(paths)) {
        last = seen.text;
        await new Promise((resolve) => setTimeout(resolve, QUIET_MS).unref());
      }
    }
    // Other files are watched by now: this result is obsolete.
    if (paths !== this.#paths || this.#closed) return;
    if (seen.text === this.#told) return;
    this.#told = seen.text;
    this.#changed();
  }

  /** The state of files without reading them, and the folders whose events can tell of changes. */
  async #signature(
    paths: readonly string[],
  ): Promise<{ readonly text: string; readonly folders: ReadonlySet<string> }> {
    const folders = new Set(paths.map(dirname));
    const lines = await Promise.all(
      paths.map(async (path) => {
        try {
          const target = await realpath(path);
          const { dev, ino, size, mtimeNs, ctimeNs } = await stat(target, { bigint: true });
          folders.add(dirname(target));
          return [path, target, dev, ino, size, mtimeNs, ctimeNs].join(' ');
        } catch (fault) {
          return `${path} ${fault instanceof Error && 'code' in fault ? String(fault.code) : 'unreadable'}`;
        }
      }),
    );
    return { text: lines.join('\n'), folders };
  }

  #watchFolders(folders: ReadonlySet<string>): void {
    this.#names = new Set([VOLUME_LINK, ...this.#paths.map((path) => basename(path))]);
    for (const [folder, watcher] of this.#folders) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    if (this.#closed) return;
    for (const folder of folders) if (!this.#folders.has(folder)) this.#watchFolder(folder);
  }

  /** A folder that cannot be watched (any more) is left to the poll, which tries again. */
  #watchFolder(folder: string): void {
    try {
      // Databases and logs may be in the same folder: only events of relevant names count.
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || this.#names.has(name)) this.#look();
      });
      watcher.on('error', () => {
        watcher.close();
        this.#folders.delete(folder);
      });
      this.#folders.set(folder, watcher);
    } catch {
      // The poll tries again.
    }
  }
}
