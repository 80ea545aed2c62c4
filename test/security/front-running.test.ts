import { generatePrivateKey } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf } from '../support/buyer.ts';
import { type Devnet, freshPayer, requirementsOn, startDevnet, transferWithAuthorization } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';
import { encodePayment, handSigned, type PaymentParts, type Requirement } from '../support/payment-header.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/**
 * The default, `foreignTransfers: refuse`: somebody else sends the buyer's authorization to the chain before its request
 * arrives; and an attacker who reads payments on the chain sends them to a gateway that has no row for them.
 */

const ROUTES = 'routes: [{ path: /*, price: $0.001 }]\n';
const USED = { status: 409, code: 'payment_already_used', offer: false };

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

/** A gateway with a ledger of its own. */
async function open(kind: 'local' | 'remote'): Promise<TestGateway> {
  const facilitator = kind === 'local' ? { kind } : { kind, url: official.url };
  const gateway = await startTestGateway(settings(devnet, upstream.url, facilitator) + ROUTES);
  gateways.push(gateway);
  return gateway;
}

async function sign(gateway: TestGateway, key = generatePrivateKey()): Promise<PaymentParts> {
  const [accepted] = challengeOf(await fetch(`${gateway.url}/a`)).accepts;
  return await handSigned(key, accepted as unknown as Requirement);
}

async function pay(gateway: TestGateway, payment: PaymentParts, path = '/a') {
  const headers = { 'PAYMENT-SIGNATURE': encodePayment(payment) };
  const response = await fetch(gateway.url + path, { headers });
  const body = await response.text();
  const code: unknown = body.startsWith('{') ? JSON.parse(body).code : undefined;
  return { status: response.status, code, offer: response.headers.has('payment-required') };
}

/** Sends the authorization, as anybody who has seen it can. */
async function sendToChain({ authorization, signature }: PaymentParts): Promise<void> {
  const payload = { signature, authorization };
  await transferWithAuthorization(devnet, { x402Version: 2, accepted: requirementsOn(devnet), payload });
}

describe.each(['local', 'remote'] as const)('with a %s facilitator', (kind) => {
  it('a buyer whose authorization somebody else sent first is not asked to pay a second time', async () => {
    const gateway = await open(kind);
    const buyer = await freshPayer(devnet);
    const payment = await sign(gateway, buyer.key);
    const funds = await devnet.usdcBalanceOf(buyer.address);
    await sendToChain(payment);
    for (let time = 0; time < 3; time += 1) expect(await pay(gateway, payment)).toEqual(USED);
    expect(funds - (await devnet.usdcBalanceOf(buyer.address))).toBe(1000n);
  });

  it('a payment used at one gateway buys nothing at another gateway of the same seller', async () => {
    const [one, another] = [await open(kind), await open(kind)];
    const payment = await sign(one, (await freshPayer(devnet)).key);
    expect((await pay(one, payment)).status).toBe(200);
    const seen = upstream.seen.length;
    expect(await pay(another, payment)).toEqual(USED);
    expect(await pay(another, payment, '/b')).toEqual(USED);
    expect(upstream.seen).toHaveLength(seen);
  });

  it('a payment used before the ledger was lost buys nothing afterwards', async () => {
    const before = await open(kind);
    const payment = await sign(before, (await freshPayer(devnet)).key);
    expect((await pay(before, payment)).status).toBe(200);
    await before.close();
    gateways.splice(gateways.indexOf(before), 1);
    expect(await pay(await open(kind), payment)).toEqual(USED);
  });

  it('an unused payment is accepted, and gets the price again when its payer has no money', async () => {
    const gateway = await open(kind);
    expect((await pay(gateway, await sign(gateway, (await freshPayer(devnet)).key))).status).toBe(200);
    // A payer without money gets the price again: nothing was used.
    expect(await pay(gateway, await sign(gateway))).toMatchObject({ status: 402, offer: true });
  });
});
