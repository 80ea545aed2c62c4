import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { transferWithBytesAbi } from '../../src/evm/abi.ts';
import type { GatewayDeps } from '../../src/server/gateway-deps.ts';
import { signFor } from '../support/buyer.ts';
import {
  clientOf,
  type Devnet,
  deploySmartAccount,
  freshPayer,
  type Payer,
  startDevnet,
  transferWithAuthorization,
} from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/**
 * Somebody else sent the buyer's authorization to the chain, and the remote facilitator does not say so: it looks at the
 * money or the time before the nonce, or has words of its own. The node of `rpc` is asked before a new price is told.
 */

const USED = { status: 409, code: 'payment_already_used', offer: false };
const OFFERED = { status: 402, code: undefined, offer: true };
const PENDING = { status: 503, code: 'settlement_unknown', offer: false };
const PRICE = 1000n;

let devnet: Devnet;
let upstream: TestUpstream;
let scripted: ScriptedFacilitator;
const gateways: TestGateway[] = [];

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((_req, res) => res.end('served'))]);
  scripted = await startScriptedFacilitator();
});

afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
});

afterAll(async () => {
  await scripted.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

type Judge = 'local' | 'with a node' | 'alone';

async function open(judge: Judge, more = '', deps: Partial<GatewayDeps> = {}): Promise<TestGateway> {
  const remote = settings(devnet, upstream.url, { kind: 'remote', url: scripted.url });
  const rpc = judge === 'alone' ? 'off' : `{ base-sepolia: "${devnet.rpcUrl}" }`;
  const top = judge === 'local' ? settings(devnet, upstream.url) : `${remote}  rpc: ${rpc}\n`;
  const gateway = await startTestGateway(`${top}${more}routes: [{ path: /*, price: $0.001 }]\n`, deps);
  gateways.push(gateway);
  return gateway;
}

async function payerWith(funds: bigint): Promise<Payer> {
  const key = generatePrivateKey();
  const { address } = privateKeyToAccount(key);
  if (funds > 0n) await devnet.mint(address, funds);
  return { key, address };
}

/** A deployed account whose owner signs for it. */
async function smartPayer(funds: bigint): Promise<Payer> {
  const { key } = await freshPayer(devnet);
  const address = await deploySmartAccount(devnet, privateKeyToAccount(key).address);
  await devnet.mint(address, funds);
  return { key, address };
}

/** Sends the authorization, as anybody who has seen it can. */
async function sendToChain(header: string): Promise<void> {
  await transferWithAuthorization(devnet, JSON.parse(Buffer.from(header, 'base64').toString()));
}

async function sendSmart(header: string): Promise<void> {
  const { payload } = JSON.parse(Buffer.from(header, 'base64').toString());
  const { from, to, value, validAfter, validBefore, nonce } = payload.authorization;
  await clientOf(devnet).writeContractSync({
    account: privateKeyToAccount(devnet.accounts.settler.key),
    address: devnet.usdc,
    abi: transferWithBytesAbi,
    functionName: 'transferWithAuthorization',
    args: [from, to, BigInt(value), BigInt(validAfter), BigInt(validBefore), nonce, payload.signature],
    throwOnReceiptRevert: true,
  });
}

/** Pays while the facilitator refuses for this reason. */
async function payRefused(gateway: TestGateway, header: string, reason: string) {
  scripted.next('verify', { kind: 'refuse', reason });
  return await pay(gateway, header);
}

async function pay(gateway: TestGateway, header: string) {
  const response = await fetch(`${gateway.url}/a`, { headers: { 'PAYMENT-SIGNATURE': header } });
  const body = await response.text();
  const code: unknown = body.startsWith('{') ? JSON.parse(body).code : undefined;
  return { status: response.status, code, offer: response.headers.has('payment-required') };
}

describe.each([
  'insufficient_funds',
  'invalid_exact_evm_insufficient_balance',
  'invalid_exact_evm_payload_authorization_valid_before',
  'invalid_exact_evm_transaction_simulation_failed',
  'invalid_payload',
  'unexpected_verify_error',
  'FiatTokenV2: authorization is used or canceled',
])('a payment that somebody else sent, refused with %s', (reason) => {
  it('gets no new price, and is not served', async () => {
    const gateway = await open('with a node');
    const payer = await payerWith(PRICE);
    const header = await signFor(devnet, payer, `${gateway.url}/a`);
    await sendToChain(header);
    for (let time = 0; time < 2; time += 1) expect(await payRefused(gateway, header, reason)).toEqual(USED);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(0n);
  });

  it('is served once where foreign transfers are', async () => {
    const gateway = await open('with a node', 'foreignTransfers: serve\n');
    const header = await signFor(devnet, await payerWith(PRICE), `${gateway.url}/a`);
    await sendToChain(header);
    expect((await payRefused(gateway, header, reason)).status).toBe(200);
    expect(await pay(gateway, header)).toEqual(USED);
  });

  it('gets the price where no node can be asked', async () => {
    const gateway = await open('alone');
    const header = await signFor(devnet, await payerWith(PRICE), `${gateway.url}/a`);
    await sendToChain(header);
    expect(await payRefused(gateway, header, reason)).toEqual(OFFERED);
  });
});

describe('a payment that nobody has sent', () => {
  it('of a payer without money gets the price again, and no price once it was sent', async () => {
    const gateway = await open('with a node');
    const payer = await payerWith(PRICE - 1n);
    const header = await signFor(devnet, payer, `${gateway.url}/a`);
    expect(await payRefused(gateway, header, 'insufficient_funds')).toEqual(OFFERED);
    await devnet.mint(payer.address, 1n);
    await sendToChain(header);
    expect(await payRefused(gateway, header, 'insufficient_funds')).toEqual(USED);
  });

  it('gets the facilitator’s refusal where that names no want of money', async () => {
    const gateway = await open('with a node');
    const header = await signFor(devnet, await payerWith(PRICE), `${gateway.url}/a`);
    expect(await payRefused(gateway, header, 'unexpected_verify_error')).toEqual(OFFERED);
  });

  it('waits where the facilitator sees a want of money that the node does not see', async () => {
    const gateway = await open('with a node');
    const header = await signFor(devnet, await payerWith(PRICE), `${gateway.url}/a`);
    expect(await payRefused(gateway, header, 'insufficient_funds')).toEqual(PENDING);
    expect(await payRefused(gateway, header, 'invalid_exact_evm_nonce_already_used')).toEqual(USED);
  });
});

it('a smart account’s payment that somebody else sent gets no new price for want of money', async () => {
  const gateway = await open('with a node');
  const header = await signFor(devnet, await smartPayer(PRICE), `${gateway.url}/a`);
  await sendSmart(header);
  expect(await payRefused(gateway, header, 'insufficient_funds')).toEqual(USED);
  const poor = await signFor(devnet, await smartPayer(PRICE - 1n), `${gateway.url}/a`);
  expect(await payRefused(gateway, poor, 'insufficient_funds')).toEqual(OFFERED);
});

describe.each(['local', 'with a node'] as const)('a payment whose time is over (%s)', (judge) => {
  it('gets no new price if somebody sent it before, and the price if nobody did', async () => {
    let ahead = 0;
    const gateway = await open(judge, '', { clock: () => Date.now() + ahead });
    const payer = await freshPayer(devnet);
    const sent = await signFor(devnet, payer, `${gateway.url}/a`);
    const unsent = await signFor(devnet, payer, `${gateway.url}/a`);
    await sendToChain(sent);
    ahead = 3_600_000;
    expect(await pay(gateway, sent)).toEqual(USED);
    expect(await pay(gateway, unsent)).toEqual(OFFERED);
  });

  it('is looked up on the chain as often as payments may be refused', async () => {
    let ahead = 0;
    const gateway = await open(judge, 'limits: { refusalsPerMinute: 2 }\n', { clock: () => Date.now() + ahead });
    const header = await signFor(devnet, await freshPayer(devnet), `${gateway.url}/a`);
    ahead = 3_600_000;
    const answers = [];
    for (let time = 0; time < 3; time += 1) answers.push((await pay(gateway, header)).code);
    expect(answers).toEqual([undefined, undefined, 'too_many_payments']);
  });
});
