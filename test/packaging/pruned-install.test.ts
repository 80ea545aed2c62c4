import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { settlementOf, stockFetch } from '../support/buyer.ts';
import { type Devnet, startDevnet } from '../support/devnet.ts';
import { readRepositoryFile } from '../support/docs/markdown.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { installForProduction, type ProductionInstall } from '../support/packaging/production-install.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const run = promisify(execFile);
const UNREAD = 'node_modules/**/*.{map,ts,mts,cts,tsx}';

let devnet: Devnet;
let upstream: TestUpstream;
let install: ProductionInstall;
let folder: string;
let before: number;
let gateway: GatewayProcess | undefined;

/** The command of the Dockerfile that deletes what no program reads. */
function pruneCommand(): string {
  const [, command = ''] = /^RUN (find node_modules .* -delete)$/m.exec(readRepositoryFile('Dockerfile')) ?? [];
  return command;
}

describe('an installation without what the Dockerfile deletes', () => {
  beforeAll(async () => {
    [devnet, upstream, install] = await Promise.all([startDevnet(), startUpstream(), installForProduction()]);
    folder = mkdtempSync(join(tmpdir(), 'turnpike-pruned-'));
    before = globSync(UNREAD, { cwd: install.directory }).length;
    await run('sh', ['-c', pruneCommand()], { cwd: install.directory });
  }, 300_000);

  afterAll(async () => {
    gateway?.kill('SIGKILL');
    await Promise.all([gateway?.ended, devnet?.close(), upstream?.close()]);
    install?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has no source maps and no TypeScript of libraries', () => {
    expect(before).toBeGreaterThan(1000);
    expect(globSync(UNREAD, { cwd: install.directory })).toEqual([]);
  });

  it('says its version, and checks a configuration', async () => {
    const version = await run(install.node, [install.command, '--version']);
    expect(version.stdout.trim()).toBe(manifest.version);
    const file = join(folder, 'checked.yaml');
    writeFileSync(file, `${settings(devnet, upstream.url)}routes:\n  - { path: /*, price: $0.001 }\n`);
    const checked = await run(install.node, [install.command, 'check', '-c', file]);
    expect(checked.stdout).toContain('fine, 1 route, 1 priced');
  });

  it('starts, and sells a call to the stock client', async () => {
    const text = `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${settings(devnet, upstream.url)}routes:\n  - { path: /*, price: $0.001 }\n`;
    gateway = startGatewayProcess(folder, text, { command: [install.node, install.command], cwd: folder });
    const { url } = await gateway.ready;
    expect((await fetch(`${url}/hello`)).status).toBe(402);
    const response = await stockFetch(devnet.accounts.buyer.key)(`${url}/hello`);
    expect(await response.json()).toEqual({ path: '/hello' });
    expect(settlementOf(response)).toMatchObject({ success: true });
    gateway.kill('SIGTERM');
    expect(await gateway.ended).toMatchObject({ code: 0 });
  });
});
