import { parseAbi } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exactPermit2ProxyAbi } from '../../src/evm/abi.ts';
import { EXACT_PERMIT2_PROXY, PERMIT2 } from '../../src/evm/addresses.ts';
import { signFor, signUptoFor } from '../support/buyer.ts';
import { approvePermit2, clientOf, type Devnet, type Payer, setBalance, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';
import { startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/**
 * Anybody who sees a Permit2 payment can have the proxy of x402 settle it. The buyer then lacks the money, the approval
 * or the nonce; none of that is a reason to ask for the price again.
 */

const PRICE = 3000n;
const USED = { status: 409, code: 'payment_already_used', offer: false };
const OFFERED = { status: 402, code: 'payment_refused', offer: true };

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

type Judge = 'a local facilitator' | 'a remote one and a node' | 'a remote one alone';

async function open(judge: Judge, url = official.url): Promise<TestGateway> {
  const remote = settings(devnet, upstream.url, { kind: 'remote', url });
  const rpc = judge === 'a remote one alone' ? 'off' : `{ base-sepolia: "${devnet.rpcUrl}" }`;
  const top = judge === 'a local facilitator' ? settings(devnet, upstream.url) : `${remote}  rpc: ${rpc}\n`;
  const asset = `{ address: "${devnet.usdc}", decimals: 6, name: USDC, version: "2", transferMethod: permit2 }`;
  const gateway = await startTestGateway(`${top}
routes:
  - path: /permit2
    price: { amount: "${PRICE}", asset: "${devnet.usdc}" }
    accepts: [{ network: base-sepolia, asset: ${asset} }]
  - path: /upto
    price: { upTo: $0.003, meter: { header: X-Cost }, rates: { unit: $0.0001 } }
`);
  gateways.push(gateway);
  return gateway;
}

async function payerWith(funds: bigint): Promise<Payer> {
  const key = generatePrivateKey();
  const { address } = privateKeyToAccount(key);
  if (funds > 0n) await devnet.mint(address, funds);
  return { key, address };
}

async function approve({ key, address }: Payer, amount: bigint): Promise<void> {
  await setBalance(devnet, address, 10n ** 18n);
  await clientOf(devnet).writeContractSync({
    account: privateKeyToAccount(key),
    address: devnet.usdc,
    abi: parseAbi(['function approve(address spender, uint256 amount) returns (bool)']),
    functionName: 'approve',
    args: [PERMIT2, amount],
    throwOnReceiptRevert: true,
  });
}

/** Has the proxy settle the payment, as anybody who has seen it can. */
async function sendToChain(header: string): Promise<void> {
  const { payload } = JSON.parse(Buffer.from(header, 'base64').toString());
  const { from, permitted, nonce, deadline, witness } = payload.permit2Authorization;
  const stranger = privateKeyToAccount(generatePrivateKey());
  await setBalance(devnet, stranger.address, 10n ** 18n);
  await clientOf(devnet).writeContractSync({
    account: stranger,
    address: EXACT_PERMIT2_PROXY,
    abi: exactPermit2ProxyAbi,
    functionName: 'settle',
    args: [
      {
        permitted: { token: permitted.token, amount: BigInt(permitted.amount) },
        nonce: BigInt(nonce),
        deadline: BigInt(deadline),
      },
      from,
      { to: witness.to, validAfter: BigInt(witness.validAfter) },
      payload.signature,
    ],
    throwOnReceiptRevert: true,
  });
}

/** Takes the nonce of a permit away, as its use does. */
async function useNonce({ key, address }: Payer, header: string): Promise<void> {
  const { payload } = JSON.parse(Buffer.from(header, 'base64').toString());
  const nonce = BigInt(payload.permit2Authorization.nonce);
  await setBalance(devnet, address, 10n ** 18n);
  await clientOf(devnet).writeContractSync({
    account: privateKeyToAccount(key),
    address: PERMIT2,
    abi: parseAbi(['function invalidateUnorderedNonces(uint256 word, uint256 mask)']),
    functionName: 'invalidateUnorderedNonces',
    args: [nonce >> 8n, 1n << (nonce & 255n)],
    throwOnReceiptRevert: true,
  });
}

async function pay(gateway: TestGateway, path: string, header: string) {
  const response = await fetch(gateway.url + path, { headers: { 'PAYMENT-SIGNATURE': header } });
  const body = await response.text();
  const code: unknown = body.startsWith('{') ? JSON.parse(body).code : undefined;
  return { status: response.status, code, offer: response.headers.has('payment-required') };
}

const SEEING = ['a local facilitator', 'a remote one and a node'] as const;

describe.each([...SEEING, 'a remote one alone'] as const)('a Permit2 payment, with %s', (judge) => {
  it('that somebody else sent first is not asked for a second time', async () => {
    const gateway = await open(judge);
    const payer = await payerWith(10n * PRICE);
    await approvePermit2(devnet, payer.key);
    const header = await signFor(devnet, payer, `${gateway.url}/permit2`);
    await sendToChain(header);
    for (let time = 0; time < 2; time += 1) expect(await pay(gateway, '/permit2', header)).toEqual(USED);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(9n * PRICE);
  });

  it('of a payer without money gets the price, and is good once the money is there', async () => {
    const gateway = await open(judge);
    const payer = await payerWith(0n);
    await approvePermit2(devnet, payer.key);
    const header = await signFor(devnet, payer, `${gateway.url}/permit2`);
    expect(await pay(gateway, '/permit2', header)).toEqual(OFFERED);
    await devnet.mint(payer.address, PRICE);
    expect((await pay(gateway, '/permit2', header)).status).toBe(200);
  });

  it('of a payer who has not approved Permit2 is asked for the approval, and is good with it', async () => {
    const gateway = await open(judge);
    const payer = await payerWith(PRICE);
    const header = await signFor(devnet, payer, `${gateway.url}/permit2`);
    expect(await pay(gateway, '/permit2', header)).toMatchObject({ status: 412, code: 'permit2_allowance_required' });
    await approvePermit2(devnet, payer.key);
    expect((await pay(gateway, '/permit2', header)).status).toBe(200);
  });
});

describe.each(SEEING)('a Permit2 payment that somebody else sent first, with %s', (judge) => {
  it('is not asked for a second time when it took the last of the money', async () => {
    const gateway = await open(judge);
    const payer = await payerWith(PRICE);
    await approvePermit2(devnet, payer.key);
    const header = await signFor(devnet, payer, `${gateway.url}/permit2`);
    await sendToChain(header);
    for (let time = 0; time < 2; time += 1) expect(await pay(gateway, '/permit2', header)).toEqual(USED);
  });

  it('is not asked for a second time when it took the last of the approval', async () => {
    const gateway = await open(judge);
    const payer = await payerWith(10n * PRICE);
    await approve(payer, PRICE);
    const header = await signFor(devnet, payer, `${gateway.url}/permit2`);
    await sendToChain(header);
    for (let time = 0; time < 2; time += 1) expect(await pay(gateway, '/permit2', header)).toEqual(USED);
  });

  it('is not asked for a second time after a refusal for want of money', async () => {
    const gateway = await open(judge);
    const payer = await payerWith(0n);
    await approvePermit2(devnet, payer.key);
    const header = await signFor(devnet, payer, `${gateway.url}/permit2`);
    expect(await pay(gateway, '/permit2', header)).toEqual(OFFERED);
    await devnet.mint(payer.address, PRICE);
    await sendToChain(header);
    expect(await pay(gateway, '/permit2', header)).toEqual(USED);
  });

  it('is not asked for a second time where it is of the scheme upto', async () => {
    const gateway = await open(judge);
    const payer = await payerWith(0n);
    await approvePermit2(devnet, payer.key);
    const header = await signUptoFor(payer, `${gateway.url}/upto`);
    expect(await pay(gateway, '/upto', header)).toEqual(OFFERED);
    await useNonce(payer, header);
    expect(await pay(gateway, '/upto', header)).toEqual(USED);
  });
});

it('a Permit2 payment that a facilitator cannot simulate is neither served nor refused while the node shows no cause', async () => {
  const kind = { x402Version: 2, network: devnet.network };
  const kinds = ['exact', 'upto'].map((scheme) => ({ ...kind, scheme, extra: { facilitatorAddress: devnet.usdc } }));
  const scripted = await startScriptedFacilitator(kinds);
  const gateway = await open('a remote one and a node', scripted.url);
  const payer = await payerWith(PRICE);
  await approvePermit2(devnet, payer.key);
  const header = await signFor(devnet, payer, `${gateway.url}/permit2`);
  const refusal = { kind: 'refuse', reason: 'permit2_simulation_failed' } as const;
  scripted.next('verify', refusal, refusal);
  expect(await pay(gateway, '/permit2', header)).toEqual({ status: 503, code: 'settlement_unknown', offer: false });
  await sendToChain(header);
  expect(await pay(gateway, '/permit2', header)).toEqual(USED);
  await scripted.close();
});
