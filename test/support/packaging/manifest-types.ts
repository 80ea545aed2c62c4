import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryPath } from '../docs/markdown.ts';
import { type Manifest, typedSource } from './manifests.ts';

const run = promisify(execFile);

/**
 * What the types of the Kubernetes API say against the manifests: keys that do not exist above all. An API server drops
 * those with a warning, and its schemas let them pass.
 */
export async function typeFaults(manifests: readonly Manifest[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-manifests-'));
  try {
    symlinkSync(repositoryPath('node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'manifests.ts'), typedSource(manifests));
    const options = {
      compilerOptions: {
        module: 'nodenext',
        target: 'esnext',
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        types: [],
      },
      files: ['manifests.ts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
    const compiler = repositoryPath('node_modules/typescript/bin/tsc');
    return await run(process.execPath, [compiler, '-p', folder, '--pretty', 'false']).then(
      () => [],
      ({ stdout }: { readonly stdout: string }) => stdout.split('\n').filter((line) => line.includes('error TS')),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
