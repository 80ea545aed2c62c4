import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { type BuiltPackage, buildPackage, PUBLISHED } from '../support/built-package.ts';

const run = promisify(execFile);

let built: BuiltPackage;
let files: string[] = [];

/** Runs the command as an installation has it: no `development` condition, no TypeScript. */
async function turnpike(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [built.command, ...args], { cwd: built.directory });
  return stdout;
}

beforeAll(async () => {
  built = await buildPackage();
  const packed = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: built.directory });
  files = filesOf(JSON.parse(packed.stdout));
});

afterAll(() => built.remove());

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
      ...PUBLISHED.filter((name) => name.includes('.')),
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
