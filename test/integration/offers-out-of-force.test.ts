import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { encodePayment, handSigned, type Requirement } from '../support/payment-header.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** Payments of a price that has changed since, after the lifetime of its quote. */

/** Longer than a quote of a minute lives. */
const AFTER_THE_QUOTE_MS = 200_000;

let devnet: Devnet;
let upstream: TestUpstream;
let payer: Payer;
let folder: string;
let gateway: TestGateway;
let status: number;
let aheadMs: number;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([
    startDevnet(),
    startUpstream((_req, res) => res.writeHead(status).end(status === 200 ? 'here' : 'no')),
  ]);
});
afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close()]);
});
beforeEach(async () => {
  payer = await freshPayer(devnet);
  folder = mkdtempSync(join(tmpdir(), 'turnpike-offers-'));
  [status, aheadMs] = [200, 0];
});
afterEach(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

function routes(price: string, more = ''): string {
  const accepts = '[{ network: base-sepolia, maxTimeoutSeconds: 60 }]';
  return `store: sqlite:${folder}/ledger.db
retryWindow: 1h
routes:
  - { path: /paid/*, price: ${price}, name: paid, timeout: 5s, accepts: ${accepts}${more} }
`;
}

/** The same ledger under another price. */
async function start(head: string, price: string, more?: string): Promise<void> {
  gateway = await startTestGateway(head + routes(price, more), { clock: () => Date.now() + aheadMs });
}

const onChain = (): string => settings(devnet, upstream.url).replace(/^store: .*\n/m, '');

/** Asks under a name that a restart on another port keeps. */
function ask(payment?: string): Promise<Response> {
  const headers = { host: 'gw.test', ...(payment === undefined ? {} : { 'payment-signature': payment }) };
  return new Promise((resolve, reject) => {
    const sent = request(`${gateway.url}/paid/x`, { headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => {
        const fields = Object.entries(res.headers).map(([name, value]): [string, string] => [name, String(value)]);
        resolve(new Response(Buffer.concat(chunks), { status: res.statusCode ?? 0, headers: fields }));
      });
    });
    sent.on('error', reject).end();
  });
}

async function sign(key: Payer['key'] = payer.key): Promise<string> {
  const [requirement] = JSON.parse(
    Buffer.from((await ask()).headers.get('payment-required') ?? '', 'base64').toString('utf8'),
  ).accepts as Requirement[];
  if (requirement === undefined) throw new Error('a 402 without an offer');
  const validBefore = String(Math.floor(Date.now() / 1000) + 55);
  return encodePayment(await handSigned(key, requirement, { authorization: { validBefore } }));
}

/** Status, whether the price is told, and whether there is a receipt. */
async function outcomeOf(payment: string): Promise<readonly [number, string, string]> {
  const { status, headers } = await ask(payment);
  return [
    status,
    headers.has('payment-required') ? 'with a price' : 'without a price',
    headers.has('payment-response') ? 'with a receipt' : 'without a receipt',
  ];
}

describe('a payment whose price has changed', () => {
  it('collects the answer that is owed to it, without a new charge', async () => {
    await start(onChain(), '$0.001', ', settle: before');
    status = 500;
    const payment = await sign();
    expect(await outcomeOf(payment)).toEqual([500, 'without a price', 'with a receipt']);
    await gateway.close();
    [status, aheadMs] = [200, AFTER_THE_QUOTE_MS];
    await start(onChain(), '$0.002', ', settle: before');
    const paid = await devnet.usdcBalanceOf(payer.address);
    expect(await outcomeOf(payment)).toEqual([200, 'without a price', 'with a receipt']);
    expect((await outcomeOf(payment)).slice(0, 2)).toEqual([409, 'without a price']);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(paid);
  });

  it('gets no new price once it was delivered', async () => {
    await start(onChain(), '$0.001');
    const payment = await sign();
    expect((await ask(payment)).status).toBe(200);
    await gateway.close();
    aheadMs = AFTER_THE_QUOTE_MS;
    await start(onChain(), '$0.002');
    expect((await outcomeOf(payment)).slice(0, 2)).toEqual([409, 'without a price']);
  });

  it('is told the new price where it bought nothing', async () => {
    await start(onChain(), '$0.001');
    status = 500;
    const payment = await sign();
    expect(await outcomeOf(payment)).toEqual([500, 'without a price', 'without a receipt']);
    await gateway.close();
    [status, aheadMs] = [200, AFTER_THE_QUOTE_MS];
    await start(onChain(), '$0.002');
    expect(await outcomeOf(payment)).toEqual([402, 'with a price', 'without a receipt']);
  });

  it('is not collected by somebody who names its nonce', async () => {
    await start(onChain(), '$0.001', ', settle: before');
    status = 500;
    const payment = await sign();
    await ask(payment);
    const forged = JSON.parse(Buffer.from(payment, 'base64').toString('utf8'));
    const other = JSON.parse(Buffer.from(await sign(generatePrivateKey()), 'base64').toString('utf8'));
    forged.payload.signature = other.payload.signature;
    await gateway.close();
    [status, aheadMs] = [200, AFTER_THE_QUOTE_MS];
    await start(onChain(), '$0.002', ', settle: before');
    const text = Buffer.from(JSON.stringify(forged)).toString('base64');
    // The chain shows the nonce used, as anybody can read there.
    expect(await outcomeOf(text)).toEqual([409, 'without a price', 'without a receipt']);
  });
});

describe('a payment in doubt whose price has changed', () => {
  let facilitator: ScriptedFacilitator;

  beforeEach(async () => {
    facilitator = await startScriptedFacilitator();
  });
  afterEach(async () => {
    await facilitator.close();
  });

  it('gets no new price while the doubt lasts', async () => {
    const head = `upstream: ${upstream.url}
payTo: "${devnet.accounts.payee.address}"
accepts: [base-sepolia]
facilitator: { url: "${facilitator.url}", rpc: off }
`;
    const broken = { kind: 'say', status: 500, text: 'oops' } as const;
    facilitator.next('settle', ...Array.from({ length: 50 }, () => broken));
    await start(head, '$0.001');
    const payment = await sign();
    expect(await outcomeOf(payment)).toEqual([503, 'without a price', 'without a receipt']);
    await gateway.close();
    aheadMs = AFTER_THE_QUOTE_MS;
    await start(head, '$0.002');
    expect(await outcomeOf(payment)).toEqual([503, 'without a price', 'without a receipt']);
  });
});
