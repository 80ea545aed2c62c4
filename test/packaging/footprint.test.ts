import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import anvils from '../support/anvil/package.json' with { type: 'json' };
import { readRepositoryFile } from '../support/docs/markdown.ts';
import { installForProduction, type ProductionInstall } from '../support/packaging/production-install.ts';

/** What the files of an installation may come to, in bytes. */
const LIMIT = 120_000_000;

let install: ProductionInstall;

beforeAll(async () => {
  install = await installForProduction();
}, 300_000);

afterAll(() => install?.remove());

/** The bytes of all files below a folder. */
function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => lstatSync(join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

describe('a production installation', () => {
  it('is of less than 120 MB, Node left out', () => {
    const files = bytesBelow(install.directory) - lstatSync(install.node).size;
    expect(files).toBeLessThan(LIMIT);
    // The files must be there too: an empty folder would also stay below the limit.
    expect(files).toBeGreaterThan(LIMIT / 2);
  });

  it('contains no local chain, unlike a checkout', () => {
    const packages = readdirSync(join(install.directory, 'node_modules'));
    expect(packages).toContain('viem');
    expect(packages.filter((name) => ['@foundry-rs', 'turnpike-anvil', 'typescript', 'mppx'].includes(name))).toEqual(
      [],
    );
  });

  it('can get the local chain on every supported platform: the lockfile has all of them', () => {
    const { packages } = JSON.parse(readRepositoryFile('package-lock.json')) as {
      packages: Record<string, { version?: string; integrity?: string; dev?: boolean }>;
    };
    for (const [name, version] of Object.entries(anvils.optionalDependencies)) {
      expect(packages[`node_modules/${name}`], name).toMatchObject({ version, dev: true });
      expect(packages[`node_modules/${name}`]?.integrity, name).toMatch(/^sha512-/);
    }
  });
});
