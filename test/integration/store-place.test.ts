import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreOpenError } from '../../src/store/store-open-error.ts';
import { startTestGateway } from '../support/gateway.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'turnpike-store-'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'foreign'), 'a text of somebody that is no database\n'.repeat(100));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a store that is no ledger', () => {
  it.each(['pipe', 'folder', 'foreign'])('stops the start with an error that names its path: a %s', async (name) => {
    const path = join(folder, name);
    const config = `upstream: http://127.0.0.1:9\nstore: sqlite:${path}\nroutes: [{ path: /*, price: free }]\n`;
    const fault: unknown = await startTestGateway(config).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(StoreOpenError);
    expect(String(fault)).toContain(path);
  });
});
