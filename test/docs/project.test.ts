import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import biome from '../../biome.json' with { type: 'json' };
import manifest from '../../package.json' with { type: 'json' };
import anvils from '../support/anvil/package.json' with { type: 'json' };
import { allowedImports, biomeJson, CONNECTIONS, connectedLayers, readLayers } from '../support/docs/layers.ts';
import { columnOf, readRepositoryFile, repositoryPath, rowsOf, sourcesBelow } from '../support/docs/markdown.ts';

const ARCHITECTURE = 'docs/architecture.md';
const layers = readLayers();
const arrows = rowsOf(ARCHITECTURE, 'folder', 'may import');
const pages = readdirSync(repositoryPath('docs')).filter((name) => name.endsWith('.md'));

/** `folder imported` for every import in `src/` that leaves its folder. */
function importsBetweenLayers(): string[] {
  const found = sourcesBelow('src').flatMap((file) => {
    const from = file.split('/')[1] ?? '';
    const targets = [...readRepositoryFile(file).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)];
    return targets.flatMap(([, target = '']) => {
      const [top, to = ''] = join(dirname(file), target).split('/');
      return top === 'src' && to !== from ? [`${from} ${to}`] : [];
    });
  });
  return [...new Set(found)].sort();
}

describe('docs/architecture.md', () => {
  it('says of every folder below src what it holds and what it may import', () => {
    expect(columnOf(arrows, 'folder').sort()).toEqual(layers);
    expect(columnOf(arrows, 'holds')).not.toContain('');
  });

  it('is where the lint rules come from', () => {
    expect(biome).toEqual(JSON.parse(biomeJson()));
  });

  it('draws an arrow for every import that leaves its folder', () => {
    const found = importsBetweenLayers();
    expect(found).toContain('pipeline domain');
    const undrawn = found.filter((pair) => {
      const [from = '', to = ''] = pair.split(' ');
      return !allowedImports(from).includes(to);
    });
    expect(undrawn).toEqual([]);
  });

  it('is kept by a scheme: `upto` has folders of its own, and few other files name it', () => {
    const own = ['src/evm/upto/', 'src/facilitator/transfer-method/upto/', 'src/scheme/upto-evm/'];
    const files = sourcesBelow('src').filter((file) => /upto|Upto|UPTO/.test(readRepositoryFile(file)));
    for (const folder of own) expect(files.some((file) => file.startsWith(folder))).toBe(true);
    expect(files.filter((file) => !own.some((folder) => file.startsWith(folder))).sort()).toEqual([
      'src/cli/evm-schemes.ts',
      'src/devnet/addresses.ts',
      'src/domain/offer.ts',
      'src/facilitator/transfer-method/transfer-methods.ts',
      'src/registry.ts',
    ]);
  });

  it('names every folder that knows connections', () => {
    const sources = readdirSync(repositoryPath('src'), { recursive: true, encoding: 'utf8' });
    const connected = sources.filter((file) => {
      if (!file.endsWith('.ts')) return false;
      const text = readRepositoryFile(`src/${file}`);
      return CONNECTIONS.some((name) => name !== 'node:net' && text.includes(`'${name}'`));
    });
    expect([...new Set(connected.map((file) => file.split('/')[0]))].sort()).toEqual(connectedLayers());
  });
});

describe('test/README.md', () => {
  it('says what every folder below test is for', () => {
    const documented = columnOf(rowsOf('test/README.md', 'folder', 'holds'), 'folder').filter((name) =>
      name.startsWith('test/'),
    );
    const entries = readdirSync(repositoryPath('test'), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `test/${name}`);
    expect(folders.length).toBeGreaterThan(0);
    expect(folders.filter((folder) => !documented.includes(folder))).toEqual([]);
  });
});

describe('docs/dependencies.md and test/README.md', () => {
  it.each([
    ['docs/dependencies.md', 'package', manifest.dependencies],
    ['docs/dependencies.md', 'optional peer', manifest.peerDependencies],
    ['test/README.md', 'package', manifest.devDependencies],
  ])('explains in %s every %s at the version that is installed, and no other', (page, column, installed) => {
    const rows = rowsOf(page, column, 'version');
    const documented = rows.map((row) => `${row[column]} ${row['version']}`.replaceAll('`', ''));
    expect(documented.sort()).toEqual(
      Object.entries(installed)
        .map(([name, version]) => `${name} ${version}`)
        .sort(),
    );
  });

  it('is right that every version is pinned exactly', () => {
    const { dependencies, devDependencies } = manifest;
    const { 'turnpike-anvil': folder, ...others } = { ...dependencies, ...devDependencies };
    expect(folder).toBe('file:test/support/anvil');
    const versions = [...Object.values(others), ...Object.values(anvils.optionalDependencies)];
    expect(versions.filter((version) => !/^(?:npm:[\w@/-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([]);
  });
});

describe('docs', () => {
  it('has every page in its index', () => {
    const index = readRepositoryFile('docs/README.md');
    expect(pages.filter((name) => name !== 'README.md' && !index.includes(`](${name})`))).toEqual([]);
  });

  it.each(pages)('links from %s only to files and headings that exist', (name) => {
    const broken = [...readRepositoryFile(`docs/${name}`).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      if (/^https?:/.test(link)) return [];
      const [file = '', heading] = link.split('#', 2);
      const path = file === '' ? `docs/${name}` : join('docs', file);
      if (!existsSync(repositoryPath(path))) return [link];
      return heading === undefined || headingsOf(path).includes(heading) ? [] : [link];
    });
    expect(broken).toEqual([]);
  });
});

describe('docs/install.md', () => {
  it('adds the local chain where the package of the page is installed: globally, in the tested version', () => {
    const page = readRepositoryFile('docs/install.md');
    expect(page).toContain('npm install --global --ignore-scripts ./turnpike-gateway-');
    const [name = '', version] =
      Object.entries(anvils.optionalDependencies).find(([each]) => /linux-amd64/.test(each)) ?? [];
    expect(page).toContain(`\`npm install --global ${name}@${version}\``);
    const others = Object.keys(anvils.optionalDependencies).filter((each) => each !== name);
    for (const other of others) expect(page).toContain(`\`${other.replace('@foundry-rs/anvil-', '')}\``);
  });
});

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(path: string): string[] {
  return [...readRepositoryFile(path).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
