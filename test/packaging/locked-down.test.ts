import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settlementOf, stockFetch } from '../support/buyer.ts';
import { type Devnet, startDevnet } from '../support/devnet.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { lockedDown, lockingMissing, writableFolder } from '../support/packaging/locked-down.ts';
import { installForProduction, type ProductionInstall } from '../support/packaging/production-install.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const missing = lockingMissing();

let devnet: Devnet;
let upstream: TestUpstream;
let install: ProductionInstall;
let data: string;
let gateway: GatewayProcess;

describe.skipIf(missing !== undefined)(`the packed artefact, locked down${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    [devnet, upstream, install] = await Promise.all([startDevnet(), startUpstream(), installForProduction()]);
    data = writableFolder(install.directory);
    const text = settings(devnet, upstream.url).replace('store: memory\n', '');
    gateway = startGatewayProcess(
      install.directory,
      `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${text}routes:\n  - { path: /*, price: $0.001 }\n`,
      { command: lockedDown(data, [install.node, install.command]), cwd: data },
    );
    await gateway.ready;
  }, 300_000);

  afterAll(async () => {
    gateway?.kill('SIGKILL');
    await Promise.all([gateway?.ended, devnet?.close(), upstream?.close()]);
    install?.remove();
  });

  it('runs as an unprivileged user, and can gain no privileges', () => {
    const status = readFileSync(`/proc/${gateway.pid}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd']) expect(status).toMatch(new RegExp(`^Cap${set}:\t0+$`, 'm'));
  });

  it('does not start when anything else can be written', async () => {
    const [program = '', ...argv] = lockedDown(data, [install.node, join(data, 'turnpike.js')]);
    const refused = promisify(execFile)(program, argv);
    await expect(refused).rejects.toMatchObject({ code: 97, stderr: `${data} can be written\n` });
  });

  it('is ready', async () => {
    const { adminUrl } = await gateway.ready;
    expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200);
  });

  it('sells a call: the stock client pays, the money moves on the chain, the API is called once', async () => {
    const { url } = await gateway.ready;
    const { buyer, payee } = devnet.accounts;
    const before = await devnet.usdcBalanceOf(payee.address);
    const response = await stockFetch(buyer.key)(`${url}/hello`);
    expect(await response.json()).toEqual({ path: '/hello' });
    expect(settlementOf(response)).toMatchObject({ success: true, payer: buyer.address.toLowerCase() });
    expect(await devnet.usdcBalanceOf(payee.address)).toBe(before + 1000n);
    expect(upstream.seen).toHaveLength(1);
  });

  it('wrote its ledger and nothing else, and ends with 0 on SIGTERM', async () => {
    gateway.kill('SIGTERM');
    expect(await gateway.ended).toMatchObject({ code: 0, signal: null });
    expect(readdirSync(data)).toContain('turnpike.db');
    expect(readdirSync(data).filter((name) => !name.startsWith('turnpike.db') && name !== 'written')).toEqual([]);
  });
});
