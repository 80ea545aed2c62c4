import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signFor } from '../support/buyer.ts';
import { clientOf, type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

let devnet: Devnet;
let upstream: TestUpstream;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'turnpike-hanging-'));
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((_req, res) => res.end('here you are'))]);
});

afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close()]);
  rmSync(folder, { recursive: true, force: true });
});

describe('a settlement that outlasts the shutdown', () => {
  // The settlement alone would wait for a minute: longer than this test may take.
  it(
    'does not keep the process alive, and the buyer collects the answer from the next one',
    { timeout: 45_000 },
    async () => {
      const text = `${settings(devnet, upstream.url).replace('store: memory', `store: sqlite:${folder}/ledger.db`)}
listen: 127.0.0.1:0
admin: 127.0.0.1:0
drainTimeout: 2s
routes: [{ path: /paid, price: $0.001 }]
`;
      const first = startGatewayProcess(folder, text);
      const { url } = await first.ready;
      const buyer = await freshPayer(devnet);
      const header = await signFor(devnet, buyer, `${url}/paid`);
      const chain = clientOf(devnet);
      await Promise.all([chain.setAutomine(false), chain.setIntervalMining({ interval: 0 })]);
      const cut = fetch(`${url}/paid`, { headers: { 'PAYMENT-SIGNATURE': header } }).catch(() => 'cut');
      await expect.poll(async () => (await chain.getTxpoolStatus()).pending).toBe(1);
      first.kill('SIGTERM');
      expect(await cut).toBe('cut');
      expect(await first.ended).toMatchObject({ code: 0, signal: null });
      expect(first.log.map(({ msg }) => msg)).toContain('settlements that did not finish in time are left to recovery');
      await chain.mine({ blocks: 1 });
      await Promise.all([chain.setIntervalMining({ interval: 2 }), chain.setAutomine(true)]);
      const second = startGatewayProcess(folder, text);
      const again = await second.ready;
      await second.logged(1, (line) => line['msg'] === 'payment changed state' && line['state'] === 'undelivered');
      // The port differs; the host that the buyer paid at is the same.
      const headers = { 'payment-signature': header, host: new URL(url).host };
      const collected = await request(`${again.url}/paid`, { headers });
      expect(collected.statusCode).toBe(200);
      expect(await collected.body.text()).toBe('here you are');
      expect(await devnet.usdcBalanceOf(devnet.accounts.payee.address)).toBe(1000n);
      second.kill('SIGTERM');
      expect(await second.ended).toMatchObject({ code: 0 });
    },
  );
});
