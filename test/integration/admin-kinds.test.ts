import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Network } from '../../src/domain/network.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { NOW, paymentClaim, SETTLEMENT } from '../contract/ledger-scene.ts';
import { adminWithToken, putMeteredPayment, putPayment, readAdmin } from '../support/admin.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const CUSTOMER = 'a-customer-of-old';
/** A transaction of Solana: 64 bytes in base58. */
const SIGNATURE = '5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW';
const SOLANA_PAYER = '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM';

/** Payments of every kind that a gateway takes, as the admin API tells of them. */
describe('the admin page of a gateway that sells in every way', () => {
  let store: PaymentStore;
  let upstream: TestUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    store = openMemoryLedger(() => NOW);
    await store.beat('process-1', NOW);
    upstream = await startUpstream((_req, res) => res.end('here'));
    gateway = await startTestGateway(
      `${adminWithToken()}
upstream: ${upstream.url}
payTo: { eip155: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", solana: "${SOLANA_PAYER}" }
accepts: [base-sepolia, solana]
facilitator: http://127.0.0.1:9
protocols: [x402, mpp]
store: memory
routes:
  - path: /mcp
    name: mcp
    accepts: [base-sepolia]
    mcp: { tools: { search: $0.01, "image_*": $0.05 }, otherwise: free }
  - path: /news
    name: news
    price: $0.01
    free: { requests: 2, per: day }
  - path: /known
    name: known
    price: $0.01
    keys: { header: X-Api-Key, sha256: "${createHash('sha256').update(CUSTOMER).digest('hex')}" }
  - { path: /tried-out, name: tried-out, price: $0.01, enforce: off }
`,
      { store, clock: () => NOW },
    );
  });

  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  it('shows the network of a payment, and links to its transaction there', async () => {
    const claim = paymentClaim({
      name: 'solana',
      network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' as Network,
      asset: 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v',
      payer: SOLANA_PAYER,
    });
    const { key } = claim;
    const { epoch } = (await store.claim(claim)).record;
    await store.transition(key, epoch, { to: 'settling' });
    const settlement = { ...SETTLEMENT, transaction: SIGNATURE, payer: SOLANA_PAYER };
    await store.transition(key, epoch + 1, { to: 'delivered', settlement });
    expect(await readAdmin(gateway.adminUrl, `/api/payment?key=${encodeURIComponent(key)}`)).toMatchObject({
      networkName: 'solana',
      symbol: 'USDC',
      amount: '0.01',
      payer: SOLANA_PAYER,
      transactionUrl: `https://solscan.io/tx/${SIGNATURE}`,
    });
    // Base58 tells upper from lower case: another spelling is another account.
    const found = async (payer: string) => (await readAdmin(gateway.adminUrl, `/api/payments?payer=${payer}`)).payments;
    expect(await found(SOLANA_PAYER)).toHaveLength(1);
  });

  it('shows the usage of a call, its charge and the signed maximum', async () => {
    const key = await putMeteredPayment(store, { name: 'metered', model: 'gpt-5', amount: 4_640n, claimedAt: NOW });
    const told = await readAdmin(gateway.adminUrl, `/api/payment?key=${encodeURIComponent(key)}`);
    expect(told).toMatchObject({
      amount: '0.05',
      asked: '0.00464',
      settled: { amount: '0.00464' },
      usage: {
        meter: 'openai',
        model: 'gpt-5',
        figures: { input: '1808', output: '12' },
        rates: { input: '$2.50/1M' },
      },
    });
  });

  it('tells what each tool of an MCP server earned', async () => {
    for (const [index, route] of ['mcp#tool=search', 'mcp#tool=search', 'mcp#tool=image_*'].entries()) {
      await putPayment(store, { name: `tool-${index}`, route, claimedAt: NOW }, 'settling', 'delivered');
    }
    const { byRoute, byPrice } = await readAdmin(gateway.adminUrl, '/api/revenue?days=1');
    const settled = (rows: { name: string; money: { settled: number }[] }[]) =>
      rows.map(({ name, money }) => [name, money[0]?.settled]);
    expect(settled(byPrice)).toEqual([
      ['mcp#tool=search', 2],
      ['mcp#tool=image_*', 1],
    ]);
    expect(settled(byRoute)).toContainEqual(['mcp', 3]);
    const { payments } = await readAdmin(
      gateway.adminUrl,
      `/api/payments?route=${encodeURIComponent('mcp#tool=search')}`,
    );
    expect(payments).toHaveLength(2);
  });

  it('counts requests served without payment apart from refused ones', async () => {
    const get = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(`${gateway.url}${path}`, { headers })).status;
    expect([await get('/news'), await get('/news'), await get('/news')]).toEqual([200, 200, 402]);
    expect([await get('/known', { 'X-Api-Key': CUSTOMER }), await get('/known')]).toEqual([200, 402]);
    expect(await get('/tried-out')).toBe(200);
    const told = async () =>
      Object.fromEntries(
        (await readAdmin(gateway.adminUrl, '/api/funnel')).routes.map(({ route, ...counts }: { route: string }) => [
          route,
          counts,
        ]),
      );
    await expect.poll(told).toMatchObject({
      news: { asked: 3, priced: 1, free: 2, refused: 0 },
      known: { asked: 2, priced: 1, free: 1, refused: 0 },
      'tried-out': { asked: 1, priced: 0, free: 1, refused: 0 },
    });
  });

  it('shows the prices in force with every way to pay them', async () => {
    const { routes } = await readAdmin(gateway.adminUrl, '/api/routes');
    const of = (name: string) => routes.find((route: { name: string }) => route.name === name);
    expect(of('news').offers.map(({ networkName }: { networkName: string }) => networkName)).toEqual([
      'base-sepolia',
      'solana',
    ]);
    expect(JSON.stringify(of('mcp').prices)).toContain('search');
  });
});
