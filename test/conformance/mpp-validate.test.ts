import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startTestGateway } from '../support/gateway.ts';
import { startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { startUpstream } from '../support/upstream.ts';

it('passes the validator of mppx without a failure or a warning', { timeout: 60_000 }, async () => {
  const [facilitator, upstream] = await Promise.all([startScriptedFacilitator(), startUpstream()]);
  const gateway = await startTestGateway(`upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "${facilitator.url}" }
protocols: [x402, mpp]
routes:
  - { path: /weather, methods: [GET], price: $0.01, description: Weather }
`);
  const { stdout } = await promisify(execFile)(process.execPath, [
    'node_modules/mppx/dist/bin.js',
    ...['validate', gateway.url, '-j'],
  ]);
  expect(stdout).toContain('"severity": "pass"');
  expect(stdout).not.toMatch(/"severity": "(?:fail|warn)"/);
  await gateway.close();
  await Promise.all([facilitator.close(), upstream.close()]);
});
