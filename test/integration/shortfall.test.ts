import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf, signFor } from '../support/buyer.ts';
import { type Devnet, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const ROUTES = `
routes:
  - { path: /usdc, price: $0.001 }
  - path: /permit2
    price: { amount: "3000", asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e" }
    accepts:
      - network: base-sepolia
        asset:
          { address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e", decimals: 6, name: USDC, version: "2", transferMethod: permit2 }
`;

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  gateway = await startTestGateway(`${settings(devnet, upstream.url)}${ROUTES}`);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

async function payerWith(units: bigint): Promise<Payer> {
  const key = generatePrivateKey();
  const { address } = privateKeyToAccount(key);
  if (units > 0n) await devnet.mint(address, units);
  return { key, address };
}

async function pay(payer: Payer, path: string): Promise<() => Promise<Response>> {
  const url = gateway.url + path;
  const header = await signFor(devnet, payer, url);
  return () => fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } });
}

const POOR = 'invalid_exact_evm_insufficient_balance';

describe('a refusal for want of money', () => {
  it('states the balance, the amount needed, the asset and the network, also when the payment is sent again', async () => {
    const send = await pay(await payerWith(400n), '/usdc');
    for (const _time of ['asked', 'remembered']) {
      const response = await send();
      expect(response.status).toBe(402);
      // Machines compare the reason, so that it stands alone.
      expect(challengeOf(response).error).toBe(POOR);
      const detail = 'The account holds 0.0004 USDC on base-sepolia, and 0.001 USDC is needed.';
      expect(await response.json()).toMatchObject({ x402Version: 1, error: POOR, detail });
    }
  });

  it('states them to that payer alone', async () => {
    await (await pay(await payerWith(400n), '/usdc'))();
    const other = await (await pay(await payerWith(0n), '/usdc'))();
    expect(await other.json()).toMatchObject({ detail: expect.stringContaining('holds 0 USDC on base-sepolia') });
    expect(await (await fetch(`${gateway.url}/usdc`)).json()).not.toHaveProperty('detail');
    expect(upstream.seen).toEqual([]);
  });

  it('is told as the bare reason in log lines and metrics, which are counted by it', async () => {
    expect(gateway.log.find(({ reason }) => String(reason).startsWith(POOR))?.['reason']).toBe(POOR);
  });
});

describe('a refusal for want of an approval', () => {
  it('says what Permit2 may take and what is needed', async () => {
    const response = await (await pay(await payerWith(10_000n), '/permit2'))();
    expect(response.status).toBe(412);
    const words = 'Permit2 may take 0 USDC of the account on eip155:84532, and 0.003 USDC is needed.';
    expect(challengeOf(response).error).toBe('permit2_allowance_required');
    expect(await response.json()).toMatchObject({ code: 'permit2_allowance_required', detail: words });
  });
});
