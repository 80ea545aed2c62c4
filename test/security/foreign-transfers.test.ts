import { randomBytes } from 'node:crypto';
import { parseAbi } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/domain/gateway-error.ts';
import type { PaymentState } from '../../src/domain/payment-state.ts';
import type { Facilitator } from '../../src/facilitator/facilitator.ts';
import type { GatewayDeps } from '../../src/server/gateway-deps.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { challengeOf, settlementOf } from '../support/buyer.ts';
import {
  clientOf,
  type Devnet,
  freshPayer,
  type Payer,
  requirementsOn,
  startDevnet,
  transferWithAuthorization,
} from '../support/devnet.ts';
import { watchStore } from '../support/faults/watched-store.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';
import { encodePayment, handSigned, type PaymentParts, type Requirement } from '../support/payment-header.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** `foreignTransfers: serve`: somebody else sends the buyer's authorization to the chain before its request arrives. */

const ROUTES = 'routes: [{ name: paid, path: /*, price: $0.001 }]\n';
const SERVE = 'foreignTransfers: serve\n';
/** The host of all gateways here, whatever their ports: a payment is bound to the host that it was used at. */
const HOST = { 'X-Forwarded-Host': 'api.example' };
const USED = { status: 409, code: 'payment_already_used', offer: false };
const SERVED = { status: 200, code: undefined, offer: false };

const TOKEN = parseAbi(['function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)']);

let devnet: Devnet;
let upstream: TestUpstream;
let official: OfficialFacilitator;
let status = 200;
const gateways: TestGateway[] = [];

beforeAll(async () => {
  upstream = await startUpstream((_req, res) => {
    res.statusCode = status;
    res.end('served');
  });
  devnet = await startDevnet();
  official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
});

afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
});

afterAll(async () => {
  await official.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

async function open(text: string, deps: Partial<GatewayDeps> = {}): Promise<TestGateway> {
  const gateway = await startTestGateway(`trustedProxies: [127.0.0.1/32]\n${text}`, deps);
  gateways.push(gateway);
  return gateway;
}

/** A gateway whose facilitator sees the chain: its own, or the official one beside a node. */
async function openSeeing(
  kind: 'local' | 'remote',
  more = SERVE + ROUTES,
  deps: Partial<GatewayDeps> = {},
): Promise<TestGateway> {
  const top =
    kind === 'local'
      ? settings(devnet, upstream.url)
      : `${settings(devnet, upstream.url, { kind, url: official.url })}  rpc: { base-sepolia: "${devnet.rpcUrl}" }\n`;
  return await open(top + more, deps);
}

/** Good for ten minutes, since a busy machine may take its time. */
async function sign(gateway: TestGateway, { key }: Payer, changed: Record<string, string> = {}): Promise<PaymentParts> {
  const [accepted] = challengeOf(await fetch(`${gateway.url}/a`)).accepts;
  const validBefore = String(Math.floor(Date.now() / 1000) + 600);
  const authorization = { validBefore, ...changed };
  return await handSigned(key, accepted as unknown as Requirement, { authorization });
}

async function pay(gateway: TestGateway, payment: PaymentParts, path = '/a') {
  const headers = { 'PAYMENT-SIGNATURE': encodePayment(payment), ...HOST };
  const response = await fetch(gateway.url + path, { headers });
  const body = await response.text();
  const code: unknown = body.startsWith('{') ? JSON.parse(body).code : undefined;
  return { response, seen: { status: response.status, code, offer: response.headers.has('payment-required') } };
}

/** Sends the authorization, as anybody who has seen it can; returns the transaction. */
async function sendToChain({ authorization, signature }: PaymentParts): Promise<string> {
  const payload = { signature, authorization };
  const accepted = requirementsOn(devnet);
  const receipt = await transferWithAuthorization(devnet, { x402Version: 2, accepted, payload });
  return receipt.transactionHash;
}

/** A store that fails at a given step: nothing is written from then on. */
function lostAt(inner: PaymentStore, step: PaymentState): PaymentStore {
  let lost = false;
  return {
    ...watchStore(inner).store,
    transition: async (key, epoch, move) => {
      lost ||= move.to === step;
      if (lost) throw new GatewayError('store_unavailable');
      return await inner.transition(key, epoch, move);
    },
    close: async () => {},
  };
}

describe.each(['local', 'remote'] as const)('with a %s facilitator that sees the chain', (kind) => {
  it('a buyer whose authorization somebody else sent first is served once, with the receipt of that transfer', async () => {
    const gateway = await openSeeing(kind);
    const buyer = await freshPayer(devnet);
    const payment = await sign(gateway, buyer);
    const funds = await devnet.usdcBalanceOf(buyer.address);
    const transaction = await sendToChain(payment);
    const first = await pay(gateway, payment);
    expect(first.seen).toEqual(SERVED);
    expect(settlementOf(first.response)).toMatchObject({ success: true, transaction });
    for (let time = 0; time < 3; time += 1) expect((await pay(gateway, payment)).seen).toEqual(USED);
    expect(funds - (await devnet.usdcBalanceOf(buyer.address))).toBe(1000n);
  });

  it('one of fifty simultaneous copies is served', async () => {
    const gateway = await openSeeing(kind);
    const payment = await sign(gateway, await freshPayer(devnet));
    await sendToChain(payment);
    const before = upstream.seen.length;
    const answers = await Promise.all(Array.from({ length: 50 }, () => pay(gateway, payment)));
    expect(answers.filter(({ seen }) => seen.status === 200)).toHaveLength(1);
    expect(answers.filter(({ seen }) => seen.offer)).toEqual([]);
    expect(upstream.seen).toHaveLength(before + 1);
    expect((await pay(gateway, payment)).seen).toEqual(USED);
  });

  it('a payment that this gateway settled buys nothing a second time, and nothing at another path', async () => {
    const gateway = await openSeeing(kind);
    const payment = await sign(gateway, await freshPayer(devnet));
    expect((await pay(gateway, payment)).seen).toEqual(SERVED);
    expect((await pay(gateway, payment)).seen).toEqual(USED);
    expect((await pay(gateway, payment, '/b')).seen).toMatchObject({ status: 409, offer: false });
  });

  it("a transfer older than the offer's time limit buys nothing", async () => {
    const text = `${SERVE}routes: [{ path: /*, price: $0.001, accepts: [{ network: base-sepolia, maxTimeoutSeconds: 60 }] }]\n`;
    const gateway = await openSeeing(kind, text);
    const payment = await sign(gateway, await freshPayer(devnet));
    await sendToChain(payment);
    await clientOf(devnet).increaseTime({ seconds: 61 });
    await clientOf(devnet).mine({ blocks: 1 });
    expect((await pay(gateway, payment)).seen).toEqual(USED);
  });

  it('an authorization that was cancelled buys nothing', async () => {
    const gateway = await openSeeing(kind);
    const buyer = await freshPayer(devnet);
    const payment = await sign(gateway, buyer);
    const { nonce } = payment.authorization as { nonce: `0x${string}` };
    const signature = await privateKeyToAccount(buyer.key).signTypedData({
      domain: { name: 'USDC', version: '2', chainId: devnet.chainId, verifyingContract: devnet.usdc },
      types: {
        CancelAuthorization: [
          { name: 'authorizer', type: 'address' },
          { name: 'nonce', type: 'bytes32' },
        ],
      },
      primaryType: 'CancelAuthorization',
      message: { authorizer: buyer.address, nonce },
    });
    await clientOf(devnet).writeContractSync({
      account: privateKeyToAccount(devnet.accounts.settler.key),
      address: devnet.usdc,
      abi: TOKEN,
      functionName: 'cancelAuthorization',
      args: [buyer.address, nonce, signature],
      throwOnReceiptRevert: true,
    });
    expect((await pay(gateway, payment)).seen).toEqual(USED);
  });

  it.each([
    ['somebody else', { to: privateKeyToAccount(generatePrivateKey()).address }],
    ['less than the price', { value: '999' }],
  ])('an authorization whose nonce paid %s buys nothing', async (_what, other) => {
    const gateway = await openSeeing(kind);
    const buyer = await freshPayer(devnet);
    const nonce = `0x${randomBytes(32).toString('hex')}`;
    const payment = await sign(gateway, buyer, { nonce });
    await sendToChain(await sign(gateway, buyer, { nonce, ...other }));
    expect((await pay(gateway, payment)).seen).toEqual(USED);
  });
});

it('a foreign transfer buys nothing without foreignTransfers: serve, or where the gateway sees no chain', async () => {
  const without = await openSeeing('local', ROUTES);
  const payment = await sign(without, await freshPayer(devnet));
  await sendToChain(payment);
  expect((await pay(without, payment)).seen).toEqual(USED);
  const blind = await open(settings(devnet, upstream.url, { kind: 'remote', url: official.url }) + SERVE + ROUTES);
  expect((await pay(blind, payment)).seen).toEqual(USED);
  const seeing = await openSeeing('local');
  expect((await pay(seeing, payment)).seen).toEqual(SERVED);
});

it('a payment whose signature is not its payer’s is not looked up on the chain', async () => {
  const gateway = await openSeeing('local');
  const payment = await sign(gateway, await freshPayer(devnet));
  await sendToChain(payment);
  const { signature } = await sign(gateway, await freshPayer(devnet));
  expect((await pay(gateway, { ...payment, signature })).seen).toMatchObject({ status: 402, offer: true });
  expect((await pay(gateway, payment)).seen).toEqual(SERVED);
});

it.each([
  'after',
  'before',
  'deferred',
])('on a route with settle: %s, a foreign transfer is served without a settlement attempt', async (settle) => {
  const store = openMemoryLedger();
  const routes = `routes: [{ path: /*, price: $0.001, settle: ${settle} }]\n`;
  const gateway = await openSeeing('local', SERVE + routes, { store });
  const payment = await sign(gateway, await freshPayer(devnet));
  const transaction = await sendToChain(payment);
  expect((await pay(gateway, payment)).seen).toEqual(SERVED);
  const [row, ...more] = await store.list({}, undefined, 10);
  expect(more).toEqual([]);
  expect(row).toMatchObject({ state: 'delivered', settlement: { transaction, amount: 1000n }, attempt: undefined });
});

it('an answer that the API failed to give is collected with the same payment', async () => {
  const gateway = await openSeeing('local');
  const payment = await sign(gateway, await freshPayer(devnet));
  await sendToChain(payment);
  status = 500;
  try {
    expect((await pay(gateway, payment)).seen.status).toBe(500);
  } finally {
    status = 200;
  }
  expect((await pay(gateway, payment)).seen).toEqual(SERVED);
  expect((await pay(gateway, payment)).seen).toEqual(USED);
});

it('a transfer that is not confirmed yet is neither served nor refused', async () => {
  const top = settings(devnet, upstream.url).replace('    key:', '    confirmations: 200\n    key:');
  const gateway = await open(top + SERVE + ROUTES);
  const payment = await sign(gateway, await freshPayer(devnet));
  await sendToChain(payment);
  const early = await pay(gateway, payment);
  expect(early.seen).toEqual({ status: 503, code: 'settlement_unknown', offer: false });
  expect(early.response.headers.has('retry-after')).toBe(true);
  await clientOf(devnet).mine({ blocks: 200, interval: 0 });
  expect((await pay(gateway, payment)).seen).toEqual(SERVED);
});

describe('a gateway that loses its ledger', () => {
  it.each([
    ['after the claim', 'undelivered'],
    ['after the settlement was written down', 'delivering'],
  ] as const)('%s leaves the payment to be collected, once', async (_when, step) => {
    const ledger = openMemoryLedger();
    const dying = await openSeeing('local', SERVE + ROUTES, { store: lostAt(ledger, step) });
    const payment = await sign(dying, await freshPayer(devnet));
    const transaction = await sendToChain(payment);
    const before = upstream.seen.length;
    expect((await pay(dying, payment)).seen).toEqual({ status: 503, code: 'store_unavailable', offer: false });
    await dying.close();
    gateways.splice(gateways.indexOf(dying), 1);
    const [left] = await ledger.list({}, undefined, 1);
    expect(left?.state).toBe(step === 'undelivered' ? 'settling' : 'undelivered');
    const watched = watchStore(ledger);
    const next = await openSeeing('local', SERVE + ROUTES, { store: watched.store });
    if (step === 'undelivered') {
      await watched.until('paid', (states) => states.includes('undelivered'), AbortSignal.timeout(60_000));
    }
    const answers = await Promise.all([pay(next, payment), pay(next, payment)]);
    expect(answers.filter(({ seen }) => seen.status === 200)).toHaveLength(1);
    expect((await pay(next, payment)).seen).toEqual(USED);
    expect(upstream.seen).toHaveLength(before + 1);
    expect(await watched.rowOf('paid')).toMatchObject({ state: 'delivered', settlement: { transaction } });
  });
});

/** A facilitator whose node is unreachable whenever it is asked for a foreign transfer. */
function deaf(inner: Facilitator): Facilitator {
  return {
    name: inner.name,
    supported: (signal) => inner.supported(signal),
    verify: (payment, signal) => inner.verify(payment, signal),
    settle: (payment, amount, journal) => inner.settle(payment, amount, journal),
    resolve: (left, signal) => inner.resolve(left, signal),
    findForeign: () => Promise.reject(new GatewayError('facilitator_unreachable')),
    close: () => inner.close(),
  };
}

it('a refused payment counts against its client when the chain cannot be asked for a foreign transfer', async () => {
  const more = `${SERVE}limits: { refusalsPerMinute: 2 }\n${ROUTES}`;
  const gateway = await openSeeing('local', more, { openFacilitator: (_spec, openIt) => deaf(openIt()) });
  const buyer = await freshPayer(devnet);
  const codes: unknown[] = [];
  for (let time = 0; time < 3; time += 1) {
    const payment = await sign(gateway, buyer);
    await sendToChain(payment);
    codes.push((await pay(gateway, payment)).seen.code);
  }
  expect(codes).toEqual(['facilitator_unreachable', 'facilitator_unreachable', 'too_many_payments']);
});
