import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigner, decodeXPaymentResponse, wrapFetchWithPayment } from 'x402-fetch';
import { clientOf, type Devnet, freshPayer, type Payer, startDevnet } from '../../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../../support/official-facilitator.ts';
import { type FacilitatorSetting, settings } from '../../support/settings.ts';
import { startUpstream, type TestUpstream } from '../../support/upstream.ts';

const ROUTES = `
protocols: [x402, mpp]
routes:
  - { path: /after, price: $0.001, description: Weather }
  - { path: /before, price: $0.002, settle: before }
`;

let devnet: Devnet;
let upstream: TestUpstream;
let official: OfficialFacilitator;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
});

afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close(), official.close()]);
});

describe.each([
  ['the local facilitator', (): FacilitatorSetting => ({ kind: 'local' })],
  ['the official facilitator behind HTTP', (): FacilitatorSetting => ({ kind: 'remote', url: official.url })],
])('x402-fetch through %s', (_name, facilitator) => {
  let gateway: TestGateway;
  let buyer: Payer;

  beforeAll(async () => {
    gateway = await startTestGateway(settings(devnet, upstream.url, facilitator()) + ROUTES);
    buyer = await freshPayer(devnet);
  });

  afterAll(() => gateway.close());

  it.each([
    ['after', '/after', 1000n],
    ['before', '/before', 2000n],
  ])('pays exactly the price without ether when settling %s', async (_mode, path, price) => {
    const { payee } = devnet.accounts;
    const before = await devnet.usdcBalanceOf(payee.address);
    const pay = wrapFetchWithPayment(fetch, await createSigner('base-sepolia', buyer.key));
    const response = await pay(`${gateway.url}${path}?q=1`);
    expect(await response.json()).toEqual({ path: `${path}?q=1` });
    expect(response.status).toBe(200);
    expect(response.headers.get('payment-response')).toBeNull();
    const settlement = decodeXPaymentResponse(response.headers.get('x-payment-response') ?? '');
    expect(settlement).toMatchObject({ success: true, network: 'base-sepolia', payer: buyer.address.toLowerCase() });
    const receipt = await clientOf(devnet).getTransactionReceipt({ hash: settlement.transaction as `0x${string}` });
    expect(receipt.status).toBe('success');
    expect(await devnet.usdcBalanceOf(payee.address)).toBe(before + price);
    expect(await clientOf(devnet).getBalance({ address: buyer.address })).toBe(0n);
  });
});
