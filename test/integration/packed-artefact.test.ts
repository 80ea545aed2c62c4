import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { repositoryPath } from '../support/docs/markdown.ts';

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), 'turnpike-packed-'));
/** What npm publishes, next to a build from the sources as they are now. */
const COPIED = ['package.json', 'bin', 'config', 'docs', 'gateway.example.yaml', 'CHANGELOG.md', 'LICENSE'];

let files: string[] = [];

/** Runs the command as an installation has it: no `development` condition, no TypeScript. */
async function turnpike(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(directory, manifest.bin.turnpike), ...args], { cwd: directory });
  return stdout;
}

/** Compiles the sources into the copy. Types are checked by `npm run types`; what the compiler still finds is shown. */
async function build(): Promise<void> {
  const compiler = repositoryPath('node_modules/typescript/bin/tsc');
  const options = ['-p', repositoryPath('tsconfig.build.json'), '--noCheck', '--outDir', join(directory, 'dist')];
  const failed = (fault: { readonly stdout: string }): never => {
    throw new Error(`the build fails:\n${fault.stdout}`);
  };
  await run(process.execPath, [compiler, ...options]).catch(failed);
}

beforeAll(async () => {
  for (const name of COPIED) cpSync(repositoryPath(name), join(directory, name), { recursive: true });
  symlinkSync(repositoryPath('node_modules'), join(directory, 'node_modules'));
  await build();
  const packed = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: directory });
  files = filesOf(JSON.parse(packed.stdout));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The paths in what `npm pack --json` prints. */
function filesOf(report: readonly { readonly files: readonly { readonly path: string }[] }[]): string[] {
  return report.flatMap((tarball) => tarball.files.map(({ path }) => path));
}

describe('the packed artefact', () => {
  it('holds what the manifest points at, the data files, the pages and the licence', () => {
    const { bin, imports } = manifest;
    const needed = [
      bin.turnpike,
      imports['#cli'].default.replace('./', ''),
      ...COPIED.filter((name) => name.includes('.')),
    ];
    expect(files).toEqual(expect.arrayContaining([...needed, 'LICENSE', 'config/assets.json', 'docs/README.md']));
  });

  it('holds neither sources nor tests nor anything of the workshop', () => {
    const allowed =
      /^(?:bin|dist|config|docs)\/|^(?:package\.json|gateway\.example\.yaml|CHANGELOG\.md|README\.md|LICENSE)$/;
    expect(files.filter((path) => !allowed.test(path))).toEqual([]);
    expect(files.filter((path) => path.startsWith('dist/') && !/\.(?:js|d\.ts)$/.test(path))).toEqual([]);
  });

  it('runs without the sources and says its version', async () => {
    expect((await turnpike('--version')).trim()).toBe(manifest.version);
  });

  it('finds its data: it checks the example and prints the schema', async () => {
    expect(await turnpike('check', '-c', 'gateway.example.yaml')).toContain('gateway.example.yaml: fine');
    expect(JSON.parse(await turnpike('schema'))).toMatchObject({ type: 'object' });
  });
});
