import { encodePaymentSignatureHeader } from '@x402/core/http';
import type { PaymentRequirements } from '@x402/core/types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf, settlementOf, stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, signPayment, startDevnet } from '../support/devnet.ts';
import { planOf, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

let devnet: Devnet;
let upstream: TestUpstream;
let payer: Payer;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  payer = await freshPayer(devnet);
  gateway = await startTestGateway(table('before'));
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

function table(settle: string): string {
  return `${settings(devnet, upstream.url)}routes:\n  - { path: /work, price: $0.001, settle: ${settle} }\n`;
}

async function offerOf(at: TestGateway): Promise<PaymentRequirements> {
  const [offer] = challengeOf(await fetch(`${at.url}/work`)).accepts;
  if (offer === undefined) throw new Error('a challenge without offers');
  return offer;
}

async function pay(at: TestGateway, accepted: PaymentRequirements): Promise<Response> {
  const payment = await signPayment(devnet, payer, accepted);
  const header = encodePaymentSignatureHeader({ ...payment, resource: { url: `${at.url}/work` } });
  return await fetch(`${at.url}/work`, { headers: { 'PAYMENT-SIGNATURE': header } });
}

describe('An offer that settles before the call', () => {
  it('states it, and is paid by the stock client', async () => {
    expect((await offerOf(gateway)).extra).toMatchObject({ paymentFlow: 'upfront' });
    const bought = await stockFetch(payer.key)(`${gateway.url}/work`);
    expect(bought.status).toBe(200);
    expect(settlementOf(bought).success).toBe(true);
  });

  it('is paid by a quote of an older release that did not state it', async () => {
    const offer = await offerOf(gateway);
    const { paymentFlow: _told, ...extra } = offer.extra;
    expect((await pay(gateway, { ...offer, extra })).status).toBe(200);
  });

  it.each([
    ['after', 'before'],
    ['before', 'after'],
  ])('changes when settle changes from %s to %s, and earlier quotes stay valid', async (from, to) => {
    const own = await startTestGateway(table(from));
    try {
      const quoted = await offerOf(own);
      (await own.prepare(await planOf(table(to)))).commit();
      const now = await offerOf(own);
      expect([quoted, now].map(({ extra }) => extra['paymentFlow'])).toEqual(
        [from, to].map((settle) => (settle === 'before' ? 'upfront' : undefined)),
      );
      expect((await pay(own, quoted)).status).toBe(200);
      expect((await pay(own, now)).status).toBe(200);
    } finally {
      await own.close();
    }
  });
});
