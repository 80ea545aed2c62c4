import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { type BuiltPackage, buildPackage } from '../support/built-package.ts';

const run = promisify(execFile);

let built: BuiltPackage;
let folder: string;

beforeAll(async () => {
  built = await buildPackage();
  folder = mkdtempSync(join(tmpdir(), 'turnpike-start-'));
});
afterAll(() => {
  built.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('compiled code', () => {
  it("is kept in the user's own cache, and nothing is written where others can write", async () => {
    const [caches, temporary] = [join(folder, 'caches'), join(folder, 'temporary')];
    mkdirSync(temporary);
    expect(await version({ XDG_CACHE_HOME: caches, TMPDIR: temporary })).toBe(manifest.version);
    expect(readdirSync(join(caches, 'turnpike'))).not.toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
    expect(await version({ XDG_CACHE_HOME: caches, TMPDIR: temporary })).toBe(manifest.version);
  });

  it('is kept below the home folder where no folder for caches is named', async () => {
    const home = join(folder, 'home');
    await version({ HOME: home });
    expect(readdirSync(join(home, '.cache', 'turnpike'))).not.toEqual([]);
  });

  it('is not kept where nothing can be written, which is no fault', async () => {
    // Not even root writes below a file.
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(await version({ XDG_CACHE_HOME: join(file, 'caches') })).toBe(manifest.version);
  });
});

/** What the command says its version is, in an environment of its own; it must not say anything else. */
async function version(env: Record<string, string>): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [built.command, '--version'], { env });
  expect(stderr).toBe('');
  return stdout.trim();
}
