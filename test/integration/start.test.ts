import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { type BuiltPackage, buildPackage } from '../support/built-package.ts';

const run = promisify(execFile);

let built: BuiltPackage;
let folder: string;

beforeAll(async () => {
  built = await buildPackage();
  folder = mkdtempSync(join(tmpdir(), 'turnpike-start-'));
});
afterAll(() => {
  built.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('compiled code', () => {
  it("is kept in the user's own cache, and nothing is written where others can write", async () => {
    const [caches, temporary] = [join(folder, 'caches'), join(folder, 'temporary')];
    mkdirSync(temporary);
    expect(await version({ XDG_CACHE_HOME: caches, TMPDIR: temporary })).toBe(manifest.version);
    expect(readdirSync(join(caches, 'turnpike'))).not.toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
    expect(await version({ XDG_CACHE_HOME: caches, TMPDIR: temporary })).toBe(manifest.version);
  });

  it('is kept below the home folder where no folder for caches is named', async () => {
    const home = join(folder, 'home');
    await version({ HOME: home });
    expect(readdirSync(join(home, '.cache', 'turnpike'))).not.toEqual([]);
  });

  it('is not kept where nothing can be written, which is no fault', async () => {
    // Not even root writes below a file.
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(await version({ XDG_CACHE_HOME: join(file, 'caches') })).toBe(manifest.version);
  });
});

describe('memory', () => {
  it('of a gateway with ten thousand routes does not include what reading them took', async () => {
    const [few, many] = [await residentMiB(10), await residentMiB(10_000)];
    // The routes themselves take 25 MiB. Reading them took another 60.
    expect(many - few).toBeLessThan(50);
  });

  it.skipIf(process.execve === undefined)('is in one arena, in the process that was started', async () => {
    expect(await arenasGiven(undefined)).toBe('1');
    expect(await arenasGiven('3')).toBe('3');
  });
});

/** Resident memory of a gateway with so many routes that has just become ready, in MiB. */
async function residentMiB(count: number): Promise<number> {
  const routes = Array.from(
    { length: count },
    (_, at) => `  - { path: /things/${at}/:id, price: $0.00${1 + (at % 9)} }`,
  );
  const gateway = await startGateway(`facilitator: http://127.0.0.1:9\nstore: memory`, routes.join('\n'));
  const status = readFileSync(`/proc/${gateway.pid}/status`, 'utf8');
  await gateway.kill();
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

/** What a gateway's process got as `MALLOC_ARENA_MAX`, where whoever started it gave this. */
async function arenasGiven(given: string | undefined): Promise<string | undefined> {
  const gateway = await startGateway(
    'facilitator: http://127.0.0.1:9\nstore: memory',
    '  - { path: /*, price: free }',
    [],
    { MALLOC_ARENA_MAX: given },
  );
  const variables = readFileSync(`/proc/${gateway.pid}/environ`, 'utf8').split('\0');
  await gateway.kill();
  return variables.find((each) => each.startsWith('MALLOC_ARENA_MAX='))?.split('=')[1];
}

describe('what is loaded', () => {
  it('leaves out chains, databases, traces and colours that the configuration does not ask for', async () => {
    const packages = await packagesOf('facilitator: http://127.0.0.1:9\nstore: sqlite:./lean.db');
    expect(packages).toEqual(expect.arrayContaining(['undici', 'yaml', 'prom-client']));
    for (const unneeded of [
      'viem',
      'pg',
      'pino-pretty',
      '@opentelemetry/sdk-trace',
      '@x402/core',
      '@bitauth/libauth',
    ]) {
      expect(packages).not.toContain(unneeded);
    }
  });

  it('holds what talks to a chain by the time the gateway listens, where the facilitator is its own', async () => {
    const local = `facilitator: { local: { rpc: { base: "http://127.0.0.1:9" }, key: "0x${'11'.repeat(32)}" } }`;
    expect(await packagesOf(`${local}\nstore: memory`)).toContain('viem');
  });

  it('holds what reads a chain by the time the gateway listens, where a node checks the facilitator', async () => {
    const witnessed = 'facilitator: { url: "http://127.0.0.1:9", rpc: { base: "http://127.0.0.1:9" } }';
    expect(await packagesOf(`${witnessed}\nstore: memory`)).toContain('viem');
  });
});

/** Writes the address of each module that Node loads into the file that `LOADED` names. */
const WRITE_DOWN = `
  import { appendFileSync } from 'node:fs';
  import { registerHooks } from 'node:module';
  registerHooks({ load(url, context, next) { appendFileSync(process.env.LOADED, url + '\\n'); return next(url, context); } });
`;

/** The packages that were loaded when a gateway with one priced route and these keys said that it listens. */
async function packagesOf(keys: string): Promise<readonly string[]> {
  const watched = ['--import', `data:text/javascript,${encodeURIComponent(WRITE_DOWN)}`];
  const gateway = await startGateway(keys, '  - { path: /priced, price: $0.01 }', watched);
  const urls = readFileSync(join(gateway.folder, 'loaded'), 'utf8').split('\n');
  await gateway.kill();
  return [...new Set(urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []))];
}

/** Starts the command in a folder of its own, and resolves when it says that it listens. */
async function startGateway(
  keys: string,
  routes: string,
  flags: readonly string[] = [],
  // One arena, as in the container.
  env: NodeJS.ProcessEnv = { MALLOC_ARENA_MAX: '1' },
) {
  const own = mkdtempSync(join(folder, 'gateway-'));
  const config = join(own, 'gateway.yaml');
  writeFileSync(
    config,
    `listen: 127.0.0.1:0
admin: off
upstream: http://127.0.0.1:9
payTo: "0x209693bc6afc0c5328ba36faf03c514ef312287c"
accepts: [base]
${keys}
routes:
${routes}
`,
  );
  const child = spawn(process.execPath, [...flags, built.command, 'start', '-c', config], {
    cwd: own,
    env: { ...process.env, LOADED: join(own, 'loaded'), ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const gone = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) if (line.includes('turnpike listening on ')) break;
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  return { folder: own, pid: child.pid, kill };
}

/** What the command says its version is, in an environment of its own; it must not say anything else. */
async function version(env: Record<string, string>): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [built.command, '--version'], { env });
  expect(stderr).toBe('');
  return stdout.trim();
}
