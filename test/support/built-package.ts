import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { repositoryPath } from './docs/markdown.ts';

const run = promisify(execFile);

/** What npm publishes beside the build. */
export const PUBLISHED = ['package.json', 'bin', 'config', 'docs', 'gateway.example.yaml', 'CHANGELOG.md', 'LICENSE'];

/** A copy of the package as an installation has it: built from the sources as they are now, without them. */
export interface BuiltPackage {
  readonly directory: string;
  /** The executable's script. */
  readonly command: string;
  remove(): void;
}

/** Builds the package into a folder of its own. Types are checked by `npm run types`, not here. */
export async function buildPackage(): Promise<BuiltPackage> {
  const directory = mkdtempSync(join(tmpdir(), 'turnpike-built-'));
  for (const name of PUBLISHED) cpSync(repositoryPath(name), join(directory, name), { recursive: true });
  symlinkSync(repositoryPath('node_modules'), join(directory, 'node_modules'));
  const compiler = repositoryPath('node_modules/typescript/bin/tsc');
  const options = ['-p', repositoryPath('tsconfig.build.json'), '--noCheck', '--outDir', join(directory, 'dist')];
  const failed = (fault: { readonly stdout: string }): never => {
    throw new Error(`the build fails:\n${fault.stdout}`);
  };
  await run(process.execPath, [compiler, ...options]).catch(failed);
  return {
    directory,
    command: join(directory, manifest.bin.turnpike),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
