import { runInNewContext } from 'node:vm';

/** What V8's collector takes. */
export interface Collection {
  readonly type: 'minor' | 'major';
  readonly execution?: 'sync';
  readonly flavor?: 'last-resort';
}

/**
 * V8's collector, for a process that was started with `--expose-gc`; else `undefined`. A flag that is set in a running
 * process takes effect in contexts that are made later.
 */
export function findCollector(): ((collection: Collection) => void) | undefined {
  const found: unknown = runInNewContext('globalThis.gc');
  return isCollector(found) ? found : undefined;
}

function isCollector(value: unknown): value is (collection: Collection) => void {
  return typeof value === 'function';
}
