import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'turnpike-command-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A package with the command file of this one, and nothing else unless it is put there. */
function packageOf(name: string, change: (text: string) => string = (text) => text): string {
  const path = join(folder, name);
  mkdirSync(path);
  cpSync(join(ROOT, 'bin'), join(path, 'bin'), { recursive: true });
  writeFileSync(join(path, 'package.json'), change(readFileSync(join(ROOT, 'package.json'), 'utf8')));
  return path;
}

function build(path: string): void {
  mkdirSync(join(path, 'dist', 'cli'), { recursive: true });
  writeFileSync(join(path, 'dist', 'cli', 'main.js'), 'throw new Error("loaded");\n');
}

function start(path: string, ...options: string[]) {
  const command = [...options, join(path, 'bin', 'turnpike.js'), '--version'];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', env: {} });
  return { status, stdout, stderr };
}

describe('the command file', () => {
  it('says in a sentence that its checkout is not built, and how to run it', () => {
    expect(start(packageOf('unbuilt'))).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'turnpike: this checkout is not built; run `npm ci && npm run build`, or run it from its source with `npm run turnpike --`\n',
    });
  });

  it('says in a sentence that its packages are not installed', () => {
    const path = packageOf('bare');
    build(path);
    const missing = /^turnpike: its packages are not installed \(@bitauth\/libauth is missing\); run `npm ci`\n$/;
    expect(start(path)).toEqual({ status: 2, stdout: '', stderr: expect.stringMatching(missing) });
    expect(start(path, '--conditions=development').stderr).toMatch(missing);
  });

  it('says in a sentence that Node is too old, before anything else', () => {
    const path = packageOf('old', (text) => text.replace('>=22.13', '>=999.1'));
    expect(start(path)).toEqual({
      status: 2,
      stdout: '',
      stderr: `turnpike: it needs Node 999.1 or later, and this is ${process.versions.node}; install a newer one from https://nodejs.org\n`,
    });
  });

  it('finds packages that were installed beside its own, and goes on', () => {
    const path = packageOf('node_modules');
    const beside = join(path, 'turnpike-gateway');
    mkdirSync(beside);
    for (const part of ['bin', 'package.json']) cpSync(join(path, part), join(beside, part), { recursive: true });
    build(beside);
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    for (const name of Object.keys(dependencies)) {
      mkdirSync(join(path, name), { recursive: true });
      writeFileSync(join(path, name, 'package.json'), '{}');
    }
    expect(start(beside).stderr).toContain('dist/engine/engine.js');
  });
});
