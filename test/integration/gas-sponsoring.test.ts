import { x402Client } from '@x402/core/client';
import { toClientEvmSigner } from '@x402/evm';
import { UptoEvmScheme } from '@x402/evm/upto/client';
import { wrapFetchWithPayment } from '@x402/fetch';
import type { Abi } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf, settlementOf } from '../support/buyer.ts';
import { clientOf, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type MeteredApi, startMeteredApi } from '../support/metering/metered-api.ts';
import { settings } from '../support/settings.ts';

let devnet: Devnet;
let api: MeteredApi;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, api] = await Promise.all([startDevnet(), startMeteredApi()]);
  api.answer = (response) => void response.writeHead(200, { 'X-Cost': '3' }).end('done');
  gateway = await startTestGateway(`${settings(devnet, api.url)}
routes:
  - { path: /*, price: { upTo: $0.05, meter: { header: X-Cost }, rates: { unit: $0.001 } } }
`);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), api.close()]);
});

type Typed = Parameters<ReturnType<typeof privateKeyToAccount>['signTypedData']>[0];

/** A client that reads the chain, which the stock `upto` scheme needs to sign an approval along with its payment. */
function readingFetch(payer: Payer, spoil: (data: Typed) => Typed = (data) => data): typeof fetch {
  const account = privateKeyToAccount(payer.key);
  const signer = toClientEvmSigner({
    address: payer.address,
    signTypedData: (data) => account.signTypedData(spoil(data)),
    readContract: (call) => clientOf(devnet).readContract({ ...call, abi: call.abi as Abi }),
  });
  return wrapFetchWithPayment(fetch, new x402Client().register('eip155:*', new UptoEvmScheme(signer)));
}

describe('With the local facilitator', () => {
  it('a buyer who has no ether and never approved Permit2 pays by signing the approval along, and again after that', async () => {
    const payer = await freshPayer(devnet);
    expect(challengeOf(await fetch(gateway.url)).extensions).toHaveProperty('eip2612GasSponsoring');
    const pay = readingFetch(payer);
    for (const paid of [3000n, 6000n]) {
      const response = await pay(gateway.url);
      expect([response.status, await response.text()]).toEqual([200, 'done']);
      expect(settlementOf(response)).toMatchObject({ success: true, amount: '3000' });
      expect(await devnet.usdcBalanceOf(payer.address)).toBe(1_000_000n - paid);
    }
    expect(await clientOf(devnet).getBalance({ address: payer.address })).toBe(0n);
  });

  it('an approval that the token refuses does not reach the API', async () => {
    const payer = await freshPayer(devnet);
    const seen = api.seen.length;
    const spoil = (data: Typed): Typed =>
      data.primaryType === 'Permit' ? { ...data, message: { ...data.message, nonce: 77n } } : data;
    const response = await readingFetch(payer, spoil)(gateway.url);
    expect(response.status).toBe(412);
    expect(api.seen).toHaveLength(seen);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(1_000_000n);
  });
});
