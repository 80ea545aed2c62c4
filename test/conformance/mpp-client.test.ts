import { Receipt } from 'mppx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settlementOf, stockFetch } from '../support/buyer.ts';
import { clientOf, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { mppChallengesOf, mppFetch, signMppFor } from '../support/mpp.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';
import { type FacilitatorSetting, settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const ROUTES = `
protocols: [x402, mpp]
routes:
  - { path: /after, methods: [GET, POST], price: $0.001, description: Weather “today” }
  - { path: /before, price: $0.002, settle: before }
  - { path: /mpp, price: $0.003, protocols: [mpp] }
  - { path: /x402, price: $0.004, protocols: [x402] }
  - { path: /fails, price: $0.005 }
`;

let devnet: Devnet;
let upstream: TestUpstream;
let official: OfficialFacilitator;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([
    startDevnet(),
    startUpstream((req, res) => {
      req.resume();
      res.statusCode = req.url === '/fails' ? 500 : 200;
      res.end(JSON.stringify({ path: req.url }));
    }),
  ]);
  official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
});

afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close(), official.close()]);
});

describe.each([
  ['the local facilitator', (): FacilitatorSetting => ({ kind: 'local' })],
  ['the official facilitator behind HTTP', (): FacilitatorSetting => ({ kind: 'remote', url: official.url })],
])('mppx through %s', (_name, facilitator) => {
  let gateway: TestGateway;
  let buyer: Payer;

  beforeAll(async () => {
    gateway = await startTestGateway(settings(devnet, upstream.url, facilitator()) + ROUTES);
    buyer = await freshPayer(devnet);
  });

  afterAll(() => gateway.close());

  it.each([
    ['after', '/after', 1000n],
    ['before', '/before', 2000n],
    ['after, on a route with MPP only', '/mpp', 3000n],
  ])('pays exactly the price without ether when settling %s', async (_mode, path, price) => {
    const { payee } = devnet.accounts;
    const before = await devnet.usdcBalanceOf(payee.address);
    const response = await mppFetch(buyer.key)(`${gateway.url}${path}?q=1`);
    expect([response.status, await response.json()]).toEqual([200, { path: `${path}?q=1` }]);
    const receipt = Receipt.fromResponse(response);
    expect(receipt).toMatchObject({ method: 'evm', status: 'success', chainId: 84532 });
    const hash = receipt.reference as `0x${string}`;
    expect((await clientOf(devnet).getTransactionReceipt({ hash })).status).toBe('success');
    expect(await devnet.usdcBalanceOf(payee.address)).toBe(before + price);
    expect(await clientOf(devnet).getBalance({ address: buyer.address })).toBe(0n);
    expect(response.headers.get('cache-control')).toBe('private');
    expect(response.headers.get('payment-response')).toBeNull();
  });

  it('buys the same resource again, each time with a new challenge', async () => {
    const buy = mppFetch(buyer.key);
    const answers = [await buy(`${gateway.url}/after`), await buy(`${gateway.url}/after`)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const [first, second] = answers.map((answer) => Receipt.fromResponse(answer).reference);
    expect(first).not.toBe(second);
  });

  it('gets a 402 that the x402 client can pay as well, each in its own protocol', async () => {
    const paid = await stockFetch(buyer.key)(`${gateway.url}/after`);
    expect([paid.status, settlementOf(paid).success]).toEqual([200, true]);
    expect(paid.headers.get('payment-receipt')).toBeNull();
  });

  it('pays in x402 where a route does not speak MPP', async () => {
    const unpaid = await fetch(`${gateway.url}/x402`);
    expect([unpaid.status, unpaid.headers.get('www-authenticate')]).toEqual([402, null]);
    const answer = await mppFetch(buyer.key)(`${gateway.url}/x402`);
    expect([answer.status, settlementOf(answer).success]).toEqual([200, true]);
  });

  it('takes no money for a call that fails, and gives no receipt for it', async () => {
    const before = await devnet.usdcBalanceOf(buyer.address);
    const answer = await mppFetch(buyer.key)(`${gateway.url}/fails`);
    expect([answer.status, answer.headers.get('payment-receipt')]).toEqual([500, null]);
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(before);
  });

  it('pays once however often one credential is sent, and gets no offer for the copies', async () => {
    const url = `${gateway.url}/after`;
    const authorization = await signMppFor(buyer.key, url);
    const before = await devnet.usdcBalanceOf(buyer.address);
    const copies = await Promise.all(Array.from({ length: 8 }, () => fetch(url, { headers: { authorization } })));
    expect(copies.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const copy of copies.filter(({ status }) => status !== 200)) {
      expect([copy.status, copy.headers.get('www-authenticate'), copy.headers.get('payment-required')]).toEqual([
        409,
        null,
        null,
      ]);
    }
    expect(before - (await devnet.usdcBalanceOf(buyer.address))).toBe(1000n);
  });
});

describe('the 402 of both protocols', () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startTestGateway(settings(devnet, upstream.url, { kind: 'local' }) + ROUTES);
  });

  afterAll(() => gateway.close());

  it('states the same terms in MPP as in x402, bound to the host, for the same time', async () => {
    const asked = Math.floor(Date.now() / 1000);
    const unpaid = await fetch(`${gateway.url}/after`);
    expect([unpaid.status, unpaid.headers.get('cache-control')]).toEqual([402, 'no-store']);
    const challenges = mppChallengesOf(unpaid);
    expect(challenges).toHaveLength(1);
    const [challenge] = challenges;
    expect(challenge).toMatchObject({
      realm: '127.0.0.1',
      method: 'evm',
      intent: 'charge',
      description: 'Weather “today”',
      request: {
        amount: '1000',
        currency: devnet.usdc,
        recipient: devnet.accounts.payee.address,
        methodDetails: { chainId: 84532, credentialTypes: ['authorization'], decimals: 6 },
      },
    });
    const lifetime = Date.parse(challenge?.expires ?? '') / 1000 - asked;
    expect(lifetime).toBeGreaterThanOrEqual(299);
    expect(challenge?.header).toBeUndefined();
    expect(unpaid.headers.get('content-type')).toBe('application/json');
    expect(await unpaid.json()).toMatchObject({ x402Version: 1 });
  });

  it('leaves out a method that the client does not accept, and accepts the same payments as before', async () => {
    const url = `${gateway.url}/after`;
    const asked = await fetch(url, { headers: { 'accept-payment': 'tempo/charge, evm/charge;q=0' } });
    expect([asked.status, asked.headers.get('www-authenticate')]).toEqual([402, null]);
    expect(asked.headers.get('payment-required')).not.toBeNull();
    const buyer = await freshPayer(devnet);
    const authorization = await signMppFor(buyer.key, url, { headers: { 'accept-payment': '*/*;q=0.1' } });
    const paid = await fetch(url, { headers: { authorization, 'accept-payment': 'tempo/charge' } });
    expect([paid.status, Receipt.fromResponse(paid).status]).toEqual([200, 'success']);
  });

  it('can be paid in either protocol, and the log and the metrics name the protocol', async () => {
    const buyer = await freshPayer(devnet);
    const answers = [
      await mppFetch(buyer.key)(`${gateway.url}/before?by=mpp`),
      await stockFetch(buyer.key)(`${gateway.url}/before?by=x402`),
      await fetch(`${gateway.url}/before`, { headers: { authorization: 'Payment nonsense' } }),
      await fetch(`${gateway.url}/before`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 402, 402]);
    await Promise.all(answers.map((answer) => answer.arrayBuffer()));
    const counted = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    for (const protocol of ['mpp', 'x402 v2']) {
      const sold = new RegExp(`^turnpike_payments_total\\{.*protocol="${protocol}",outcome="settled"\\} 1$`, 'm');
      expect(counted).toMatch(sold);
    }
    const lines = (): Set<string> =>
      new Set(
        gateway.log
          .filter(({ path }) => path === '/before')
          .map(({ status, protocol = 'no payment' }) => `${status} ${protocol}`),
      );
    const said = new Set(['200 mpp', '200 x402 v2', '402 mpp', '402 no payment']);
    await expect.poll(lines, { timeout: 30_000 }).toEqual(said);
  });
});
