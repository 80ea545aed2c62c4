import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import manifest from '../../../package.json' with { type: 'json' };
import { buildPackage } from '../built-package.ts';
import { readRepositoryFile, repositoryPath } from '../docs/markdown.ts';

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

/** What the lockfile says of a package; its flags are what `npm ci --omit=dev --omit=optional` goes by. */
interface LockedPackage {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly link?: boolean;
}

async function copyDependencies(directory: string): Promise<void> {
  const root = repositoryPath('');
  const { packages }: { packages: Record<string, LockedPackage> } = JSON.parse(readRepositoryFile('package-lock.json'));
  const paths = Object.entries(packages)
    .filter(([, { dev, optional, devOptional, link }]) => !(dev || optional || devOptional || link))
    .map(([path]) => path)
    // What is below another package comes with it.
    .filter((path) => path.lastIndexOf('node_modules') === 0);
  // One copy for each folder of packages, that of a scope included. Links where they can be: it is 110 MB.
  for (const [folder, inFolder] of Map.groupBy(paths, dirname)) {
    const target = join(directory, folder);
    mkdirSync(target, { recursive: true });
    const sources = inFolder.map((path) => join(root, path));
    await run('cp', ['-RLl', ...sources, target]).catch(() => run('cp', ['-RL', ...sources, target]));
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
