import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import packages from './packages.json' with { type: 'json' };

/** A package of npm that ships API descriptions. */
export interface DocumentPackage {
  readonly package: string;
  readonly version: string;
  /** What npm says of the tarball: `sha512-…`. */
  readonly integrity: string;
  /** Paths within the package. */
  readonly documents: readonly string[];
}

/** The packages whose descriptions are tried, at versions that never change. */
export const DOCUMENT_PACKAGES: readonly DocumentPackage[] = packages;

const run = promisify(execFile);

/**
 * Takes a package from npm and unpacks its descriptions below `folder`.
 *
 * @returns where each description is
 * @throws Error when the tarball is not the one that was tried before
 */
export async function fetchDocuments(wanted: DocumentPackage, folder: string): Promise<readonly string[]> {
  const own = join(folder, wanted.package.replaceAll('/', '+'));
  await mkdir(own, { recursive: true });
  const named = `${wanted.package}@${wanted.version}`;
  const { stdout } = await run('npm', ['pack', named, '--silent', '--ignore-scripts', '--pack-destination', own]);
  const tarball = join(own, stdout.trim());
  const sum = createHash('sha512')
    .update(await readFile(tarball))
    .digest('base64');
  if (`sha512-${sum}` !== wanted.integrity) throw new Error(`${named}: npm gave another tarball, sha512-${sum}`);
  await run('tar', ['-xzf', tarball, '-C', own, ...wanted.documents.map((path) => `package/${path}`)]);
  return wanted.documents.map((path) => join(own, 'package', path));
}
