// Builds what browsers load from src/browser into config/pages: `npm run pages`.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A file that browsers load, as it is committed. */
export interface BuiltFile {
  /** Path in the repository. */
  readonly path: string;
  readonly content: string;
}

const SOURCES = {
  'paywall.js': 'src/browser/paywall/main.ts',
  'paywall.css': 'src/browser/paywall/page.css',
  'admin.js': 'src/browser/admin/main.ts',
  'admin.css': 'src/browser/admin/page.css',
} as const;

/** Builds everything anew, without writing it. The same sources give the same bytes. */
export async function buildPages(): Promise<readonly BuiltFile[]> {
  return await Promise.all(
    Object.entries(SOURCES).map(async ([name, source]) => {
      const { outputFiles } = await build({
        entryPoints: [repositoryPath(source)],
        bundle: true,
        minify: true,
        write: false,
        format: 'iife',
        charset: 'utf8',
        legalComments: 'none',
        target: ['chrome109', 'firefox115', 'safari16.4'],
      });
      return { path: `config/pages/${name}`, content: outputFiles[0]?.text.trimEnd() ?? '' };
    }),
  );
}

function repositoryPath(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}

if (import.meta.main) {
  for (const { path, content } of await buildPages()) writeFileSync(repositoryPath(path), content);
}
