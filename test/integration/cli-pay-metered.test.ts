import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { approvePermit2, type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type MeteredApi, startMeteredApi } from '../support/metering/metered-api.ts';

let devnet: Devnet;
let api: MeteredApi;
let gateway: TestGateway;

beforeAll(async () => {
  devnet = await startDevnet();
  api = await startMeteredApi();
  gateway = await startTestGateway(`
upstream: ${api.url}
payTo: "${devnet.accounts.payee.address}"
accepts: [base-sepolia]
store: memory
facilitator: { local: { rpc: { base-sepolia: "${devnet.rpcUrl}" }, key: "${devnet.accounts.settler.key}" } }
routes:
  - path: /export
    price: { upTo: $0.50, meter: { header: X-Cost }, rates: { unit: $0.0001 } }
`);
});
afterAll(async () => {
  await gateway.close();
  await api.close();
  await devnet.close();
});

it('pay says the maximum before it signs, and the charge after it', async () => {
  const payer = await freshPayer(devnet);
  await approvePermit2(devnet, payer.key);
  api.answer = (response) => response.writeHead(200, { 'Content-Type': 'text/plain', 'X-Cost': '12' }).end('rows');
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const signals = new EventEmitter();
  const terminal: Terminal = {
    stdin: Object.assign(stdin, { isTTY: false }),
    stdout,
    stderr,
    env: { TURNPIKE_PAY_KEY: payer.key },
    on: (signal, listener) => signals.on(signal, listener),
    off: (signal, listener) => signals.off(signal, listener),
  };
  const code = await run(['pay', `${gateway.url}/export`, '--yes', '--max', '$0.50'], terminal);
  const said = String(stderr.read() ?? '');
  expect([code, String(stdout.read())]).toEqual([0, 'rows']);
  expect(said).toContain('at most   0.5 USDC');
  expect(said).toContain('paid      0.0012 USDC');
  expect(await devnet.usdcBalanceOf(payer.address)).toBe(1_000_000n - 1_200n);
});
