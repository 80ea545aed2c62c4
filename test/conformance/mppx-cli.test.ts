import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** The installed command line of mppx pays on the local chain. */

const home = mkdtempSync(join(tmpdir(), 'turnpike-mppx-'));
let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((_req, res) => res.end('sold'))]);
  gateway = await startTestGateway(`${settings(devnet, upstream.url)}
protocols: [x402, mpp]
routes: [{ path: /weather, price: $0.001 }]
`);
});

afterAll(async () => {
  await gateway?.close();
  await Promise.all([upstream?.close(), devnet?.close()]);
  rmSync(home, { recursive: true });
});

describe('the command line of mppx', () => {
  it.each(['mpp', 'x402'])('pays the same 402 by %s, once', { timeout: 120_000 }, async (protocol) => {
    const buyer = await freshPayer(devnet);
    const before = await devnet.usdcBalanceOf(devnet.accounts.payee.address);
    const argv = ['node_modules/mppx/dist/bin.js', `${gateway.url}/weather`, '--protocol', protocol, '--include'];
    const env = {
      PATH: process.env['PATH'],
      HOME: home,
      MPPX_PRIVATE_KEY: buyer.key,
      NO_UPDATE_NOTIFIER: '1',
      CI: '1',
    };
    const { stdout } = await promisify(execFile)(process.execPath, argv, { env });
    expect(stdout).toContain('sold');
    expect(stdout.toLowerCase()).toContain(protocol === 'mpp' ? 'payment-receipt' : 'payment-response');
    expect((await devnet.usdcBalanceOf(devnet.accounts.payee.address)) - before).toBe(1000n);
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(999_000n);
  });
});
