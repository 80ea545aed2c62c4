import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from './at-exit.ts';
import type { Stop, World } from './world.ts';

/** What of a gateway's configuration differs from suite to suite. */
export interface GatewaySettings {
  /** The price table, as YAML. */
  readonly routes: string;
  /** A ledger in memory, on SQLite in a folder of its own, or in a PostgreSQL database that is there. Default: memory. */
  readonly store?: 'memory' | 'sqlite' | { readonly url: string };
  /** Further keys of the file, as YAML lines. */
  readonly keys?: string;
  /** Connections to the API. Default: the gateway's own. */
  readonly connections?: number;
  /** What of the world around it is another one than everybody's. */
  readonly around?: Partial<World>;
}

/** Writes a configuration file into a folder of its own; `onStarted` gets what removes it with all that is in it. */
export async function writeConfig(
  world: World,
  { routes, store = 'memory', keys = '', connections, around }: GatewaySettings,
  onStarted: (stop: Stop) => void,
): Promise<string> {
  const { upstreamUrl, facilitatorUrl } = { ...world, ...around };
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-bench-'));
  // Also when the run is broken off: a ledger in it can be large.
  const forget = atExit(() => rmSync(folder, { recursive: true, force: true }));
  onStarted(async () => {
    forget();
    await rm(folder, { recursive: true, force: true });
  });
  const upstream = connections === undefined ? upstreamUrl : `{ url: "${upstreamUrl}", connections: ${connections} }`;
  const file = join(folder, 'gateway.yaml');
  await writeFile(
    file,
    `listen: 127.0.0.1:0
admin: 127.0.0.1:0
drainDelay: 0s
upstream: ${upstream}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: ${facilitatorUrl}
store: ${storeOf(store, folder)}
${keys}routes:
${routes}`,
  );
  return file;
}

function storeOf(store: NonNullable<GatewaySettings['store']>, folder: string): string {
  if (store === 'sqlite') return `sqlite:${join(folder, 'ledger.db')}`;
  return store === 'memory' ? store : store.url;
}
