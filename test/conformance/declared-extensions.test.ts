import { x402Client } from '@x402/core/client';
import { toClientEvmSigner } from '@x402/evm';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { UptoEvmScheme } from '@x402/evm/upto/client';
import { EIP2612_GAS_SPONSORING } from '@x402/extensions';
import {
  BuilderCodeClientExtension,
  BuilderCodeFacilitatorExtension,
  parseBuilderCodeSuffixFromCalldata,
} from '@x402/extensions/builder-code';
import { wrapFetchWithPayment } from '@x402/fetch';
import type { Abi, Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { challengeOf, settlementOf, signFor } from '../support/buyer.ts';
import { clientOf, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const ROUTES = `
builderCode: { app: my_app, services: [maps] }
routes:
  - { path: /metered, price: { upTo: $0.50, meter: { header: X-Cost }, rates: { unit: $0.001 } } }
  - { path: /exact, price: $0.001 }
`;

let devnet: Devnet;
let upstream: TestUpstream;
let official: OfficialFacilitator;
let plain: OfficialFacilitator;
let gateway: TestGateway;

beforeAll(async () => {
  devnet = await startDevnet();
  upstream = await startUpstream((_request, response) => response.writeHead(200, { 'X-Cost': '7' }).end('done'));
  const { rpcUrl, accounts } = devnet;
  const extensions = [EIP2612_GAS_SPONSORING, new BuilderCodeFacilitatorExtension()];
  official = await startOfficialFacilitator({ rpcUrl, key: accounts.settler.key, extensions });
  plain = await startOfficialFacilitator({ rpcUrl, key: accounts.settler.key });
  gateway = await startTestGateway(settings(devnet, upstream.url, { kind: 'remote', url: official.url }) + ROUTES);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([official.close(), plain.close(), upstream.close(), devnet.close()]);
});

/** The stock client, with a node to read what it needs for an approval. */
function buyerWithNode({ key, address }: Payer): x402Client {
  const account = privateKeyToAccount(key);
  const signer = toClientEvmSigner({
    address,
    signTypedData: (data) => account.signTypedData(data),
    readContract: (call) => clientOf(devnet).readContract({ ...call, abi: call.abi as Abi }),
  });
  return new x402Client()
    .register('eip155:*', new ExactEvmScheme(signer))
    .register('eip155:*', new UptoEvmScheme(signer));
}

describe('The stock client and the official facilitator', () => {
  it('pay through Permit2 for a buyer without ether and without an approval, by a permit that the 402 asks for', async () => {
    const payer = await freshPayer(devnet);
    const unpaid = await fetch(`${gateway.url}/metered`);
    expect(challengeOf(unpaid).extensions).toHaveProperty('eip2612GasSponsoring.info.version', '1');
    const response = await wrapFetchWithPayment(fetch, buyerWithNode(payer))(`${gateway.url}/metered`);
    expect([response.status, await response.text()]).toEqual([200, 'done']);
    expect(settlementOf(response)).toMatchObject({ success: true, amount: '7000' });
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(1_000_000n - 7_000n);
    expect(await clientOf(devnet).getBalance({ address: payer.address })).toBe(0n);
  });

  it('attribute a settlement on chain to the code of the 402 and to the services of both sides', async () => {
    const payer = await freshPayer(devnet);
    const client = buyerWithNode(payer).registerExtension(new BuilderCodeClientExtension('agent_1'));
    const response = await wrapFetchWithPayment(fetch, client)(`${gateway.url}/exact`);
    expect(response.status).toBe(200);
    const hash = settlementOf(response).transaction as Hex;
    const { input } = await clientOf(devnet).getTransaction({ hash });
    const codes = parseBuilderCodeSuffixFromCalldata(input);
    expect(codes?.a).toBe('my_app');
    expect([codes?.s].flat().toSorted()).toEqual(['agent_1', 'maps']);
  });
});

describe('A 402', () => {
  it('declares no sponsoring that its facilitator does not list, and none where Permit2 is not used', async () => {
    const own = await startTestGateway(settings(devnet, upstream.url, { kind: 'remote', url: plain.url }) + ROUTES);
    expect(challengeOf(await fetch(`${own.url}/metered`)).extensions).not.toHaveProperty('eip2612GasSponsoring');
    await own.close();
    expect(challengeOf(await fetch(`${gateway.url}/exact`)).extensions).not.toHaveProperty('eip2612GasSponsoring');
  });

  it('declares an extension that its facilitator lists later', async () => {
    const { rpcUrl, accounts } = devnet;
    const learning = await startOfficialFacilitator({ rpcUrl, key: accounts.settler.key });
    const own = await startTestGateway(settings(devnet, upstream.url, { kind: 'remote', url: learning.url }) + ROUTES);
    try {
      const declared = async (): Promise<readonly string[]> =>
        Object.keys(challengeOf(await fetch(`${own.url}/metered`)).extensions ?? {});
      expect(await declared()).toEqual(['builder-code', 'bazaar']);
      learning.learn(EIP2612_GAS_SPONSORING);
      // After a verification that breaks off, the gateway asks the facilitator at once what it supports.
      learning.next.verify = 'broken';
      const payer = await freshPayer(devnet);
      const header = await signFor(devnet, payer, `${own.url}/exact`);
      const broken = await fetch(`${own.url}/exact`, { headers: { 'PAYMENT-SIGNATURE': header } });
      expect(broken.status).toBe(503);
      const waited = { timeout: 60_000, interval: 50 };
      await vi.waitFor(async () => expect(await declared()).toContain('eip2612GasSponsoring'), waited);
    } finally {
      await Promise.all([own.close(), learning.close()]);
    }
  });
});
