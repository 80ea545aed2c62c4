import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import manifest from '../../../package.json' with { type: 'json' };
import { buildPackage } from '../built-package.ts';
import { repositoryPath } from '../docs/markdown.ts';

const run = promisify(execFile);

/** The package as npm installs it for production, out of its tarball. */
export interface ProductionInstall {
  readonly directory: string;
  /** A copy of this Node, which every user may run. */
  readonly node: string;
  /** The executable's script. */
  readonly command: string;
  remove(): void;
}

/**
 * Packs the package, unpacks it and puts the production dependencies beside it, as they are installed here: neither
 * development tools nor what is optional, such as the local chain.
 */
export async function installForProduction(): Promise<ProductionInstall> {
  const directory = mkdtempSync(join(tmpdir(), 'turnpike-install-'));
  chmodSync(directory, 0o755);
  const built = await buildPackage();
  try {
    const packing = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory];
    const { stdout } = await run('npm', packing, { cwd: built.directory });
    const [tarball]: readonly { readonly filename: string }[] = JSON.parse(stdout);
    const file = join(directory, tarball?.filename ?? '');
    await run('tar', ['-xzf', file, '--strip-components=1', '--no-same-owner', '-C', directory]);
    rmSync(file);
  } finally {
    built.remove();
  }
  await copyDependencies(directory);
  const node = join(directory, 'node');
  linkOrCopy(process.execPath, node);
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  return { directory, node, command: join(directory, manifest.bin.turnpike), remove };
}

async function copyDependencies(directory: string): Promise<void> {
  const root = repositoryPath('');
  const listing = ['ls', '--omit=dev', '--omit=optional', '--all', '--parseable'];
  const { stdout } = await run('npm', listing, { cwd: root });
  const paths = stdout
    .trim()
    .split('\n')
    .map((path) => relative(root, path))
    // What is below another package comes with it.
    .filter((path) => path.lastIndexOf('node_modules') === 0 && path !== '');
  for (const path of paths) {
    const target = join(directory, dirname(path));
    mkdirSync(target, { recursive: true });
    // Links where they can be: it is 120 MB.
    await run('cp', ['-RLl', join(root, path), target]).catch(() => run('cp', ['-RL', join(root, path), target]));
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
