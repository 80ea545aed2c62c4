import { wrapFetchWithSIWx } from '@x402/extensions/sign-in-with-x';
import { privateKeyToAccount } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../src/domain/gateway-error.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { buyPass, callWith, passOf } from '../support/access.ts';
import { challengeOf, signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { planOf, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const ROUTES = `
  - { path: /get, price: $0.001, access: { requests: 5 } }
  - { path: /post, methods: [POST], price: $0.001, access: { requests: 5 } }
  - { path: /first, methods: [POST], price: $0.001, settle: before, access: { requests: 5 } }
  - { path: /a, price: $0.001, access: { requests: 5, scope: both } }
`;

let devnet: Devnet;
let upstream: TestUpstream;
let store: PaymentStore;
let gateway: TestGateway;
let buyer: Payer;

beforeEach(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  store = openMemoryLedger();
  gateway = await startTestGateway(textWith(ROUTES), { store });
  buyer = await freshPayer(devnet);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

function textWith(routes: string): string {
  return `${settings(devnet, upstream.url)}\nroutes:${routes}`;
}

async function reload(routes: string): Promise<void> {
  const next: Plan = await planOf(`listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${textWith(routes)}`);
  await gateway.reload(next, new Map());
}

/** Writing a pass fails as with a store that is away, until `letBack` is called. */
function loseGrants(): { readonly letBack: () => void } {
  const away = vi
    .spyOn(store.passes, 'grant')
    .mockImplementation(() => Promise.reject(new GatewayError('store_unavailable')));
  return { letBack: () => away.mockRestore() };
}

async function states(): Promise<readonly string[]> {
  return (await store.list({ since: 0 }, undefined, 10)).map(({ state }) => state);
}

async function paidTo(): Promise<bigint> {
  return await devnet.usdcBalanceOf(devnet.accounts.payee.address);
}

describe('a pass that cannot be written after the money moved', () => {
  it('withholds the answer until the same payment collects answer and pass, for one charge', async () => {
    const before = await paidTo();
    const url = `${gateway.url}/get`;
    const header = await signFor(devnet, buyer, url);
    const { letBack } = loseGrants();
    const withheld = await fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } });
    expect(withheld.status).toBe(503);
    expect(await withheld.json()).toMatchObject({ code: 'store_unavailable' });
    expect(withheld.headers.get('payment-required')).toBeNull();
    letBack();
    const collected = await vi.waitFor(
      async () => {
        const response = await fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } });
        expect(response.status).toBe(200);
        return response;
      },
      { timeout: 10_000 },
    );
    expect((await callWith(passOf(collected).token, url)).status).toBe(200);
    expect(await paidTo()).toBe(before + 1000n);
  });

  it.each([
    '/post',
    '/first',
  ])('is written by recovery for an unsafe call of %s, and its buyer signs in', async (path) => {
    const url = gateway.url + path;
    const header = await signFor(devnet, buyer, url, { method: 'POST' });
    const { letBack } = loseGrants();
    const withheld = await fetch(url, { method: 'POST', headers: { 'PAYMENT-SIGNATURE': header } });
    expect(withheld.status).toBe(503);
    letBack();
    const signIn = wrapFetchWithSIWx(fetch, privateKeyToAccount(buyer.key));
    await vi.waitFor(async () => expect((await signIn(url, { method: 'POST' })).status).toBe(200), { timeout: 10_000 });
  });

  it('leaves the payment collectable when a collection cannot write it either', async () => {
    const url = `${gateway.url}/get`;
    const header = await signFor(devnet, buyer, url);
    const { letBack } = loseGrants();
    await fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } });
    letBack();
    await vi.waitFor(async () => expect(await states()).toEqual(['undelivered']), { timeout: 10_000 });
    const again = loseGrants();
    const refused = await fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } });
    expect(refused.status).toBe(503);
    again.letBack();
    expect((await fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } })).status).toBe(200);
  });
});

describe('a store that is away', () => {
  it('blocks tokens that need it until it is back', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/get`);
    const away = vi.spyOn(store.passes, 'lease').mockRejectedValue(new GatewayError('store_unavailable'));
    const seen = upstream.seen.length;
    const refused = await callWith(token, `${gateway.url}/get`);
    expect(refused.status).toBe(503);
    expect(upstream.seen).toHaveLength(seen);
    away.mockRestore();
    await vi.waitFor(async () => expect((await callWith(token, `${gateway.url}/get`)).status).toBe(200), {
      timeout: 5000,
    });
  });
});

describe('a change of the price table', () => {
  it('keeps a pass valid for what it was sold for, and adds nothing to it', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/a`);
    await reload(`
  - { path: /a, price: $0.5, access: { requests: 5, scope: both } }
  - { path: /b, price: $0.5, access: { requests: 5, scope: both } }
`);
    expect((await callWith(token, `${gateway.url}/a`)).status).toBe(200);
    const wider = await callWith(token, `${gateway.url}/b`);
    expect(wider.status).toBe(402);
    expect(challengeOf(wider).error).toBe('access_token_invalid');
    await reload(`
  - { path: /a, price: $0.5, access: { requests: 5 } }
`);
    expect((await callWith(token, `${gateway.url}/a`)).status).toBe(200);
    await reload(`
  - { path: /a, methods: [GET], name: other, price: $0.5, access: { requests: 5 } }
`);
    expect((await callWith(token, `${gateway.url}/a`)).status).toBe(402);
  });

  it('keeps the old number of requests for an old price that is still accepted', async () => {
    const header = await signFor(devnet, buyer, `${gateway.url}/get`);
    await reload(`
  - { path: /get, price: $0.5, access: { requests: 5000 } }
`);
    const response = await fetch(`${gateway.url}/get`, { headers: { 'PAYMENT-SIGNATURE': header } });
    expect(passOf(response).info['remaining']).toBe(5);
  });

  it('that adds the first route with access keeps the key of earlier tokens', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/get`);
    await reload(`
  - { path: /plain, price: $0.001 }
`);
    await reload(ROUTES);
    expect((await callWith(token, `${gateway.url}/get`)).status).toBe(200);
  });
});
