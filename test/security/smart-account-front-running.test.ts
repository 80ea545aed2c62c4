import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transferWithBytesAbi } from '../../src/evm/abi.ts';
import { signFor } from '../support/buyer.ts';
import { clientOf, type Devnet, deploySmartAccount, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/**
 * A smart account's signature is judged by the chain alone, so nothing here proves whose payment it is. That a nonce is
 * used is public all the same: to say so tells a forger nothing, and an offer would make a buyer pay twice.
 */

const USED = { status: 409, code: 'payment_already_used', offer: false };
const ROUTES = 'routes: [{ path: /*, price: $0.001 }]\n';

let devnet: Devnet;
let upstream: TestUpstream;
let official: OfficialFacilitator;
const gateways: TestGateway[] = [];

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((_req, res) => res.end('served'))]);
  official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
});

afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await official.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

async function open(kind: 'local' | 'remote', more = ''): Promise<TestGateway> {
  const facilitator = kind === 'local' ? { kind } : { kind, url: official.url };
  const gateway = await startTestGateway(settings(devnet, upstream.url, facilitator) + more + ROUTES);
  gateways.push(gateway);
  return gateway;
}

/** A deployed account whose owner signs for it. */
async function smartPayer(): Promise<Payer> {
  const owner = await freshPayer(devnet);
  const address = await deploySmartAccount(devnet, owner.address);
  await devnet.mint(address, 10_000n);
  return { key: owner.key, address };
}

async function sendToChain(header: string): Promise<void> {
  const { payload } = JSON.parse(Buffer.from(header, 'base64').toString());
  const { from, to, value, validAfter, validBefore, nonce } = payload.authorization;
  const signature: Hex = payload.signature;
  await clientOf(devnet).writeContractSync({
    account: privateKeyToAccount(devnet.accounts.settler.key),
    address: devnet.usdc,
    abi: transferWithBytesAbi,
    functionName: 'transferWithAuthorization',
    args: [from, to, BigInt(value), BigInt(validAfter), BigInt(validBefore), nonce, signature],
    throwOnReceiptRevert: true,
  });
}

async function pay(gateway: TestGateway, header: string) {
  const response = await fetch(`${gateway.url}/a`, { headers: { 'PAYMENT-SIGNATURE': header } });
  const body = await response.text();
  const code: unknown = body.startsWith('{') ? JSON.parse(body).code : undefined;
  return { status: response.status, code, offer: response.headers.has('payment-required') };
}

describe.each(['local', 'remote'] as const)('a payment of a smart account, with a %s facilitator', (kind) => {
  it('that somebody else sent first is not asked for a second time', async () => {
    const gateway = await open(kind);
    const payer = await smartPayer();
    const header = await signFor(devnet, payer, `${gateway.url}/a`);
    await sendToChain(header);
    const seen = upstream.seen.length;
    for (let time = 0; time < 2; time += 1) expect(await pay(gateway, header)).toEqual(USED);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(9000n);
    expect(upstream.seen).toHaveLength(seen);
  });

  it('is served while nobody else has sent it', async () => {
    const gateway = await open(kind);
    const header = await signFor(devnet, await smartPayer(), `${gateway.url}/a`);
    expect((await pay(gateway, header)).status).toBe(200);
  });
});

it('a payment of a smart account that somebody else sent is not served by a gateway that serves foreign transfers', async () => {
  const gateway = await open('local', 'foreignTransfers: serve\n');
  const header = await signFor(devnet, await smartPayer(), `${gateway.url}/a`);
  await sendToChain(header);
  const seen = upstream.seen.length;
  expect(await pay(gateway, header)).toEqual(USED);
  expect(upstream.seen).toHaveLength(seen);
});

it('another account that signs for a used nonce gets the price and learns nothing of what it bought', async () => {
  const gateway = await open('local');
  const victim = await smartPayer();
  const header = await signFor(devnet, victim, `${gateway.url}/a`);
  expect((await pay(gateway, header)).status).toBe(200);
  const bought = JSON.parse(Buffer.from(header, 'base64').toString());
  const { signature } = JSON.parse(
    Buffer.from(await signFor(devnet, await smartPayer(), `${gateway.url}/a`), 'base64').toString(),
  ).payload;
  const forged = { ...bought, payload: { ...bought.payload, signature } };
  const answer = await pay(gateway, Buffer.from(JSON.stringify(forged)).toString('base64'));
  expect(answer).toMatchObject({ status: 402, offer: true });
});
