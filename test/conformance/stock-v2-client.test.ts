import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf, settlementOf, signFor, stockFetch } from '../support/buyer.ts';
import {
  approvePermit2,
  clientOf,
  type Devnet,
  deploySmartAccount,
  freshPayer,
  type Payer,
  startDevnet,
} from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';
import { type FacilitatorSetting, settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const ROUTES = `
routes:
  - { path: /after, methods: [GET, POST], price: $0.001, description: Weather }
  - { path: /before, price: $0.002, settle: before }
  - { path: /alongside, price: $0.002, verify: alongside }
  - path: /permit2
    price: { amount: "3000", asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e" }
    accepts:
      - network: base-sepolia
        asset:
          { address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e", decimals: 6, name: USDC, version: "2", transferMethod: permit2 }
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
])('@x402/fetch through %s', (_name, facilitator) => {
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
    ['after, with the call beside the verification', '/alongside', 2000n],
  ])('pays exactly the price without ether when settling %s', async (_mode, path, price) => {
    const { payee } = devnet.accounts;
    const before = await devnet.usdcBalanceOf(payee.address);
    const { verify, settle } = official.calls;
    const response = await stockFetch(buyer.key)(`${gateway.url}${path}?q=1`);
    expect(await response.json()).toEqual({ path: `${path}?q=1` });
    expect(response.status).toBe(200);
    const settlement = settlementOf(response);
    expect(settlement).toMatchObject({ success: true, network: 'eip155:84532', payer: buyer.address.toLowerCase() });
    const hash = settlement.transaction as `0x${string}`;
    const receipt = await clientOf(devnet).getTransactionReceipt({ hash });
    expect(receipt.status).toBe('success');
    expect(await devnet.usdcBalanceOf(payee.address)).toBe(before + price);
    expect(await clientOf(devnet).getBalance({ address: buyer.address })).toBe(0n);
    // With settle: before, only the settlement decides.
    const asked = facilitator().kind === 'remote' ? [path === '/before' ? 0 : 1, 1] : [0, 0];
    expect([official.calls.verify - verify, official.calls.settle - settle]).toEqual(asked);
  });

  it('sends the body of a paid POST unchanged', async () => {
    const echo = await startUpstream((req, res) => req.pipe(res));
    const own = await startTestGateway(settings(devnet, echo.url, facilitator()) + ROUTES);
    const body = randomBytes(300_000);
    const response = await stockFetch(buyer.key)(`${own.url}/after`, { method: 'POST', body });
    expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
    expect(settlementOf(response).success).toBe(true);
    await Promise.all([own.close(), echo.close()]);
  });

  it('answers 412 before the Permit2 allowance and 200 after it', async () => {
    const payer = await freshPayer(devnet);
    const unapproved = await stockFetch(payer.key)(`${gateway.url}/permit2`);
    expect(unapproved.status).toBe(412);
    expect(challengeOf(unapproved).error).toBe('permit2_allowance_required');
    await approvePermit2(devnet, payer.key);
    const { payee } = devnet.accounts;
    const before = await devnet.usdcBalanceOf(payee.address);
    const approved = await stockFetch(payer.key)(`${gateway.url}/permit2`);
    expect(approved.status).toBe(200);
    expect(settlementOf(approved).success).toBe(true);
    expect(await devnet.usdcBalanceOf(payee.address)).toBe(before + 3000n);
  });

  it('is paid by a smart account (EIP-1271)', async () => {
    const owner = await freshPayer(devnet);
    const address = await deploySmartAccount(devnet, owner.address);
    await devnet.mint(address, 10_000n);
    const header = await signFor(devnet, { address, key: owner.key }, `${gateway.url}/after`);
    const response = await fetch(`${gateway.url}/after`, { headers: { 'PAYMENT-SIGNATURE': header } });
    expect(response.status).toBe(200);
    expect(settlementOf(response)).toMatchObject({ success: true, payer: address.toLowerCase() });
    expect(await devnet.usdcBalanceOf(address)).toBe(9_000n);
  });

  it('refuses a smart account whose owner did not sign', async () => {
    const owner = await freshPayer(devnet);
    const stranger = await freshPayer(devnet);
    const address = await deploySmartAccount(devnet, owner.address);
    await devnet.mint(address, 10_000n);
    const header = await signFor(devnet, { address, key: stranger.key }, `${gateway.url}/after`);
    const response = await fetch(`${gateway.url}/after`, { headers: { 'PAYMENT-SIGNATURE': header } });
    expect(response.status).toBe(402);
    expect(challengeOf(response).error).toBe('invalid_exact_evm_signature');
    expect(await devnet.usdcBalanceOf(address)).toBe(10_000n);
  });
});
