import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { challengeOf } from '../support/buyer.ts';
import {
  clientOf,
  type Devnet,
  freshPayer,
  requirementsOn,
  startDevnet,
  transferWithAuthorization,
} from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';
import { encodePayment, handSigned, type PaymentParts, type Requirement } from '../support/payment-header.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * A payment to another service with the same payee and price is public, with its signature. An attacker who reads it on the
 * chain sends it to a route where only the settlement decides.
 */

let devnet: Devnet;
let upstream: TestUpstream;
let official: OfficialFacilitator;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((_req, res) => res.end('served'))]);
  official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
});

afterEach(() => gateway.close());

afterAll(async () => {
  await official.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

const RPC = (): string => `  rpc: { base-sepolia: "${devnet.rpcUrl}" }\n`;
const ROUTES = 'routes: [{ path: /*, price: $0.001, settle: before }]\n';

/** @param now Unix milliseconds, for the gateway */
async function open(node: 'its own' | 'a public one', now: () => number): Promise<void> {
  const top = settings(devnet, upstream.url, { kind: 'remote', url: official.url });
  const text = top + (node === 'its own' ? RPC() : '') + ROUTES;
  gateway = await startTestGateway(text, { clock: now }, node === 'its own' ? 'off' : `base-sepolia=${devnet.rpcUrl}`);
}

async function signed(): Promise<PaymentParts> {
  const { key } = await freshPayer(devnet);
  const [accepted] = challengeOf(await fetch(`${gateway.url}/a`)).accepts;
  const validBefore = String(Math.floor(Date.now() / 1000) + 600);
  return await handSigned(key, accepted as unknown as Requirement, { authorization: { validBefore } });
}

/** Settles as the other service did. Returns the time of the block, in Unix seconds. */
async function settleElsewhere({ authorization, signature }: PaymentParts): Promise<number> {
  const payload = { signature, authorization };
  const sent = await transferWithAuthorization(devnet, {
    x402Version: 2,
    accepted: requirementsOn(devnet),
    payload,
  });
  const { timestamp } = await clientOf(devnet).getBlock({ blockHash: sent.blockHash });
  return Number(timestamp);
}

it.each([
  'its own',
  'a public one',
] as const)('a payment that another service settled is served by no gateway that asks a node (%s), and gets no offer', async (node) => {
  let minedAt = 0;
  // A minute after that payment.
  const started = performance.now();
  await open(node, () => (minedAt === 0 ? Date.now() : (minedAt + 60) * 1000 + (performance.now() - started)));
  const payment = await signed();
  minedAt = await settleElsewhere(payment);
  // The chain goes on: a public node's clock is that of its newest block.
  await clientOf(devnet).setNextBlockTimestamp({ timestamp: BigInt(minedAt + 60) });
  await clientOf(devnet).mine({ blocks: 1 });
  const seen: { status: number; offer: boolean }[] = [];
  const bring = async (): Promise<unknown> => {
    const headers = { 'PAYMENT-SIGNATURE': encodePayment(payment) };
    const response = await fetch(`${gateway.url}/a`, { headers });
    seen.push({ status: response.status, offer: response.headers.has('payment-required') });
    return (JSON.parse(await response.text()) as { readonly code: unknown }).code;
  };
  expect(await bring()).toBe('settlement_unknown');
  await expect.poll(bring, { timeout: 25_000, interval: 200 }).toBe('payment_already_used');
  expect(seen.filter(({ status, offer }) => status < 400 || offer)).toEqual([]);
  expect(upstream.seen).toEqual([]);
});
