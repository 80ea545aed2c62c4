// Writes the import layers of biome.json from the table in docs/architecture.md: part of `npm run docs`.
import { readdirSync, readFileSync } from 'node:fs';
import { namesIn, repositoryPath, rowsOf } from './markdown.ts';

const ARCHITECTURE = 'docs/architecture.md';
/** How deep a folder below a layer may be. */
const LEVELS = ['../', '../../', '../../../'];

/** The part of `biome.json` that holds the rules. */
interface BiomeConfig {
  readonly overrides: readonly { readonly includes: readonly string[] }[];
}

/** The folders of `src`, and `registry.ts`. */
export function readLayers(): readonly string[] {
  return readdirSync(repositoryPath('src')).sort();
}

/** What the table lets a layer import, besides itself. */
export function allowedImports(layer: string): readonly string[] {
  const row = rowsOf(ARCHITECTURE, 'folder', 'may import').find((each) => each['folder'] === `\`${layer}\``);
  const cell = row?.['may import'];
  if (cell === 'anything') return readLayers().filter((other) => other !== layer);
  return namesIn(cell).sort();
}

/** The folders that know connections of HTTP. */
export function connectedLayers(): readonly string[] {
  const sentence = /^Connections of HTTP are the business of ([^:]*) alone:/m.exec(
    readFileSync(repositoryPath(ARCHITECTURE), 'utf8'),
  );
  return namesIn(sentence?.[1]).sort();
}

/** Parts of Node that hold connections. */
export const CONNECTIONS = ['node:http', 'node:https', 'node:http2', 'node:tls', 'node:net'];
/** What is no connection in them. */
const HARMLESS = ['isIP', 'isIPv4', 'isIPv6'];

/** The text of `biome.json` with the rules of the table. */
export function biomeJson(): string {
  const config: BiomeConfig = JSON.parse(readFileSync(repositoryPath('biome.json'), 'utf8'));
  const others = config.overrides.filter(({ includes }) => !includes.some((glob) => isLayer(glob)));
  const rules = readLayers().flatMap((layer) => ruleOf(layer) ?? []);
  return `${JSON.stringify({ ...config, overrides: [...rules, ...others] }, null, 2)}\n`;
}

function isLayer(glob: string): boolean {
  return /^src\/[^/]+\/\*\*$/.test(glob) || glob === 'src/registry.ts';
}

/** `undefined` where everything may be imported. */
function ruleOf(layer: string) {
  const allowed = allowedImports(layer);
  const forbidden = readLayers().filter((other) => other !== layer && !allowed.includes(other));
  if (forbidden.length === 0) return undefined;
  const list = allowed.length === 0 ? 'nothing else' : allowed.join(', ');
  const message = `src/${layer} may import ${list}: imports point one way, see ${ARCHITECTURE}.`;
  const folders = forbidden.filter((other) => !other.endsWith('.ts')).join(',');
  const files = forbidden.filter((other) => other.endsWith('.ts'));
  const group = LEVELS.flatMap((up) => [`${up}{${folders}}/**`, ...files.map((file) => `${up}${file}`)]);
  const patterns = [{ group, message }];
  const options = connectedLayers().includes(layer) ? { patterns } : { paths: connectionRules(layer), patterns };
  const style = { noRestrictedImports: { level: 'error', options } };
  return { includes: [layer.endsWith('.ts') ? `src/${layer}` : `src/${layer}/**`], linter: { rules: { style } } };
}

function connectionRules(layer: string) {
  const message = `src/${layer} knows no connections: they are for ${connectedLayers().join(', ')}, see ${ARCHITECTURE}.`;
  return Object.fromEntries(CONNECTIONS.map((name) => [name, { message, allowImportNames: HARMLESS }]));
}
