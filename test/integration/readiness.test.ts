import { afterEach, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { scrape } from '../support/metrics.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const FACILITATOR = 'facilitator for exact on eip155:84532';

let upstream: TestUpstream;
let gateway: TestGateway;

afterEach(() => Promise.all([gateway.close(), upstream.close()]));

/** A gateway whose facilitator cannot be reached: nothing listens on port 1. */
async function withoutFacilitator(more: string): Promise<void> {
  upstream = await startUpstream((_req, res) => res.end('free'));
  gateway = await startTestGateway(`${more}
upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: http://127.0.0.1:1
store: memory
routes:
  - { path: /free, price: free }
  - { path: /paid, price: $0.01 }
`);
}

it('stays ready without a facilitator, serves what is free, and says what does not work', async () => {
  await withoutFacilitator('');
  const response = await fetch(`${gateway.adminUrl}/readyz`);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    ready: true,
    degraded: [{ name: FACILITATOR, detail: expect.any(String) }],
  });
  expect(await (await fetch(`${gateway.url}/free`)).text()).toBe('free');
});

it('shows each check as a gauge', async () => {
  await withoutFacilitator('');
  const ready = (await scrape(gateway.adminUrl)).filter(({ name }) => name === 'turnpike_ready');
  expect(Object.fromEntries(ready.map(({ labels, value }) => [labels['check'], value]))).toEqual({
    configuration: 1,
    'accepting requests': 1,
    store: 1,
    [FACILITATOR]: 0,
    [`upstream ${upstream.url}`]: 1,
  });
});

it('leaves the load balancer while it drains, whatever the mode', async () => {
  await withoutFacilitator('');
  gateway.leave();
  const response = await fetch(`${gateway.adminUrl}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ ready: false, degraded: [{ name: FACILITATOR }] });
});

it('is not ready without a facilitator where readiness is strict', async () => {
  await withoutFacilitator('readiness: strict');
  const response = await fetch(`${gateway.adminUrl}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ ready: false, degraded: [{ name: FACILITATOR }] });
});
