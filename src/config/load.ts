import { availableParallelism } from 'node:os';
import type { Plan } from '../domain/plan.ts';
import { builtIn, type Registry } from '../registry.ts';
import type { Scheme } from '../scheme/scheme.ts';
import { type AssetTable, readAssetTable } from './asset-table.ts';
import { type BooksPlan, type CompileWorld, compile, compileBooks } from './compile.ts';
import type { Outside } from './expand.ts';
import { type GatewayFields, gatewayKeys } from './gateway-keys.ts';
import { inFileOrder, type Problem } from './problem.ts';
import { RIGHT_PROXY, readProxyEnvironment } from './proxy-environment.ts';
import { RIGHT_NODES, withPublicNodes } from './public-nodes.ts';
import { Source } from './source.ts';
import type { TokenClaim } from './token-claims.ts';
import { whyUnreadable } from './unreadable.ts';

const RIGHT_FILE = 'a file that exists and may be read';

/** What a configuration is read from. */
export interface ConfigInput extends Outside {
  /** Path of the file, as messages shall name it. */
  readonly file: string;
  /** The file's content, when it was read already. */
  readonly text?: string;
  readonly schemes: readonly Scheme[];
  /** Kinds of stores and facilitators, and network families; by default the built-in ones. */
  readonly registry?: Pick<Registry, 'families' | 'storeKinds' | 'facilitatorKinds'>;
  /** Known networks and assets; by default the table of the package. */
  readonly assets?: AssetTable;
  /** What `workers: auto` means; by default the cores that this process may use. */
  readonly cpus?: number;
}

/** A plan to run on, or everything that is wrong with the file, in the order of the file. */
export type LoadedConfig =
  | {
      readonly ok: true;
      readonly plan: Plan;
      readonly warnings: readonly Problem[];
      /** Statements about tokens that their contracts can confirm. */
      readonly claims: readonly TokenClaim[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads a configuration file into an immutable {@link Plan}. Never throws for what is in the file: all its problems come
 * back at once. Touches nothing but the environment and files that it is given.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const read = readFields(input);
  if (!read.ok) return read;
  const { fields, world, source } = read;
  const compiled = compile(fields, world, source);
  if (compiled === undefined) return { ok: false, problems: inFileOrder(source.problems) };
  return { ok: true, ...compiled, warnings: inFileOrder(source.warnings) };
}

/** What reading a ledger takes of a file, or why there is not that much in it. */
export type LoadedBooks =
  | ({ readonly ok: true } & BooksPlan)
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads from a configuration file where its ledger is and the names of its assets. A reader of a ledger need not have
 * the gateway's keys and secrets: other mistakes and missing values do not matter.
 */
export function loadBooks(input: ConfigInput): LoadedBooks {
  const read = readFields(input);
  if (!read.ok) return read;
  const { fields, world, source } = read;
  const ofStore = source.problems.filter(({ keyPath }) => keyPath === 'store');
  const books = compileBooks(fields, world, source);
  return books === undefined ? { ok: false, problems: inFileOrder(ofStore) } : { ok: true, ...books };
}

type ReadFields =
  | { readonly ok: true; readonly fields: GatewayFields; readonly world: CompileWorld; readonly source: Source }
  | { readonly ok: false; readonly problems: readonly Problem[] };

function readFields(input: ConfigInput): ReadFields {
  let text: string;
  try {
    text = input.text ?? input.readFile(input.file);
  } catch (fault) {
    const wrong = `the file cannot be read: ${whyUnreadable(fault)}`;
    const missing: Problem = { file: input.file, line: 1, column: 1, keyPath: '', wrong, right: RIGHT_FILE };
    return { ok: false, problems: [missing] };
  }
  const { schemes, registry = builtIn, cpus = availableParallelism() } = input;
  const { table, wrong } = withPublicNodes(input.assets ?? readAssetTable(), input.env);
  const source = new Source(input.file, text, input);
  for (const what of wrong) source.report({ node: undefined, offset: 0, path: '' }, what, RIGHT_NODES);
  const environment = readProxyEnvironment(input.env);
  for (const what of environment.wrong) source.report({ node: undefined, offset: 0, path: '' }, what, RIGHT_PROXY);
  const root = source.root;
  const fields = root && gatewayKeys(table, registry).decode(root, source);
  if (fields === undefined) return { ok: false, problems: inFileOrder(source.problems) };
  return {
    ok: true,
    fields,
    world: { table, schemes, families: registry.families, proxies: environment.proxies, cpus },
    source,
  };
}
