import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { DEVNET_CHAIN_ID } from './addresses.ts';
import { DevnetError } from './devnet-error.ts';

/** How to start an anvil. */
export interface AnvilOptions {
  /** Arguments of its command line, without host and port. */
  readonly args: readonly string[];
  /** Port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Ends it: while it starts, and later. */
  readonly signal?: AbortSignal | undefined;
  /** The executable; the default is the installed one ({@link findAnvil}). */
  readonly binary?: string | undefined;
}

/** A running anvil. */
export interface Anvil {
  /** JSON-RPC over HTTP on loopback. */
  readonly rpcUrl: string;
  /** Resolves when the process is gone, for any reason. */
  readonly gone: Promise<void>;
  /** Ends it; resolves when the process is gone. May be called again. */
  close(): Promise<void>;
}

/** A start takes 70 ms, and a few seconds on a machine under heavy load. */
const START_TIMEOUT_MS = 15_000;

/** Length of the error output that is kept: enough to understand a failure. */
const STDERR_CHARACTERS = 2_000;

/**
 * Runs a command for no longer than its own stdin is open. The system closes that pipe however the parent ends, SIGKILL
 * included, so that no chain outlives the process it was started for.
 */
const GUARDED = `
exec 3<&0
"$@" 3<&- </dev/null &
chain=$!
{ read -r _ <&3; kill -KILL "$chain"; } >/dev/null 2>&1 &
guard=$!
exec 3<&-
wait "$chain"
code=$?
kill "$guard" 2>/dev/null
exit "$code"
`;

/** The version of anvil that is tested. */
const ANVIL_VERSION = '1.7.1';

/** The platforms that there are packages for. */
const PACKAGED: ReadonlySet<string> = new Set(['linux-amd64', 'linux-arm64', 'darwin-arm64', 'darwin-amd64']);

/** The command that starts a chain for `--rpc`: with the chain id that clients expect, and a running clock. */
export const ANVIL_COMMAND = `anvil --chain-id ${DEVNET_CHAIN_ID} --block-time 2 --mixed-mining`;

const LISTENING = /^Listening on (127\.0\.0\.1:\d+)$/;

/**
 * Finds the executable of the optional package `@foundry-rs/anvil-<platform>-<architecture>`.
 *
 * @throws {DevnetError} when the package is not installed, or does not exist for the platform
 */
export function findAnvil(platform: string = process.platform, architecture: string = process.arch): string {
  const kind = `${platform}-${architecture === 'x64' ? 'amd64' : architecture}`;
  const name = `@foundry-rs/anvil-${kind}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), 'bin', 'anvil');
  } catch (cause) {
    const remedy = PACKAGED.has(kind)
      ? `Install it beside Turnpike, with --global where that is global: npm install ${name}@${ANVIL_VERSION}\n`
      : `There is none for this platform.\n`;
    throw new DevnetError(
      `There is no local chain on this machine.\n` +
        `  platform: ${platform}-${architecture}\n` +
        `  missing:  the npm package ${name}\n` +
        `${remedy}Or name the RPC URL of one that runs elsewhere: --rpc http://HOST:8545, of\n  ${ANVIL_COMMAND}`,
      { cause },
    );
  }
}

/**
 * Starts an anvil on loopback and resolves once it answers.
 *
 * @throws {DevnetError} when there is no executable, or it ends or stays silent instead of listening
 * @throws the signal's reason when the signal fires first
 */
export async function startAnvil(options: AnvilOptions): Promise<Anvil> {
  options.signal?.throwIfAborted();
  const command = [options.binary ?? findAnvil(), '--host', '127.0.0.1', '--port', String(options.port)];
  const child = spawn('sh', ['-c', GUARDED, 'sh', ...command, ...options.args], {
    stdio: 'pipe',
    // Its own process group: Ctrl-C in a terminal must not take the chain away from settlements that still drain.
    detached: true,
  });
  const gone = once(child, 'close').then(() => {});
  // `listening` reports a failed spawn; without this handler the same event would also be an unhandled rejection.
  gone.catch(() => {});
  // The pipe breaks when the child ends first. The `close` event reports that end.
  child.stdin.on('error', () => {});
  const close = (): Promise<void> => {
    options.signal?.removeEventListener('abort', close);
    child.stdin.end();
    return gone;
  };
  try {
    const address = await listening(child, options);
    // The signal may have fired since the line came; from here on the listener sees it.
    options.signal?.throwIfAborted();
    options.signal?.addEventListener('abort', close, { once: true });
    return { rpcUrl: `http://${address}`, gone, close };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

/** Waits for the line with the address. It gives the port that 0 chose, and shows that the port is this process's. */
function listening(child: ChildProcessWithoutNullStreams, { signal, port }: AnvilOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-STDERR_CHARACTERS);
  });
  const fail = (what: string): void => {
    const why = /address already in use/i.test(complaint)
      ? `the port ${port} on 127.0.0.1 is in use by another process\ntake another one; 0 takes one that is free`
      : `${what}\n${complaint.trimEnd()}`.trimEnd();
    reject(new DevnetError(`The local chain did not start: ${why}`));
  };
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const address = LISTENING.exec(line)?.[1];
    if (address !== undefined) resolve(address);
  });
  const onClose = (code: number | null): void => fail(`anvil ended with code ${code}`);
  const onAbort = (): void => reject(signal?.reason);
  child.once('close', onClose);
  child.once('error', (error) => fail(error.message));
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => fail(`anvil was silent for ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    child.off('close', onClose);
    lines.close();
    // anvil logs every call; a full pipe would block it.
    child.stdout.resume();
  });
}
