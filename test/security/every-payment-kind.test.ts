import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { paymentKinds } from '../support/payment-kinds/kinds.ts';
import type { Field, PaymentWorld } from '../support/payment-kinds/payment-kind.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** The same attacks with a payment fail for every kind of payment. */

const ROUTES = `
routes:
  - { path: /a, price: $0.001 }
  - { path: /b, price: $0.001 }
  - { path: /dear, price: $0.002 }
`;
const USED = { status: 409, code: 'payment_already_used', offered: false };
const REFUSED = { status: 402, offered: true };

describe.each(paymentKinds)('with $name', (kind) => {
  const gateways: TestGateway[] = [];
  let world: PaymentWorld;
  let upstream: TestUpstream;

  beforeAll(async () => {
    [world, upstream] = await Promise.all([kind.start(), startUpstream((_req, res) => res.end('served'))]);
  });
  afterEach(async () => {
    await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
  });
  afterAll(async () => {
    await Promise.all([world?.close(), upstream?.close()]);
  });

  /** A gateway with a ledger of its own. All have the same public URL, as a gateway that lost its ledger would. */
  async function open(more = ''): Promise<TestGateway> {
    const text = `publicUrl: https://api.example\n${world.settings(upstream.url)}${more}${ROUTES}`;
    const gateway = await startTestGateway(text);
    gateways.push(gateway);
    return gateway;
  }

  async function pay(gateway: TestGateway, [name, value]: Field, path = '/a') {
    const response = await fetch(gateway.url + path, { headers: { [name]: value } });
    const body = await response.text();
    const code: unknown = body.startsWith('{') ? JSON.parse(body).code : undefined;
    const offered = response.headers.has('payment-required') || response.headers.has('www-authenticate');
    return { status: response.status, code, offered };
  }

  /** What the payer pays meanwhile, and how often the API is asked. */
  async function counted(act: () => Promise<void>): Promise<{ money: bigint; asked: number }> {
    const before = { money: await world.received(), asked: upstream.seen.length };
    await act();
    return { money: (await world.received()) - before.money, asked: upstream.seen.length - before.asked };
  }

  it('a payment that was changed after signing buys nothing, and gets the price again', async () => {
    const gateway = await open();
    const { field, tampered } = await (await world.buyer()).sign(`${gateway.url}/a`);
    const tried = await counted(async () => {
      for (const [part, changed] of tampered) {
        expect([part, await pay(gateway, changed)]).toMatchObject([part, REFUSED]);
      }
    });
    expect(tried).toEqual({ money: 0n, asked: 0 });
    expect((await pay(gateway, field)).status).toBe(200);
  });

  it('a payment signed for a lower price buys nothing at a higher price', async () => {
    const gateway = await open();
    const { field } = await (await world.buyer()).sign(`${gateway.url}/a`);
    const tried = await counted(async () => expect(await pay(gateway, field, '/dear')).toMatchObject(REFUSED));
    expect(tried).toEqual({ money: 0n, asked: 0 });
    expect((await pay(gateway, field)).status).toBe(200);
  });

  it('a payment that has just expired buys nothing', async () => {
    const gateway = await open();
    const expired = await (await world.buyer()).signExpired(`${gateway.url}/a`);
    const tried = await counted(async () => expect(await pay(gateway, expired)).toMatchObject(REFUSED));
    expect(tried).toEqual({ money: 0n, asked: 0 });
  });

  it('a payer without money gets the price again', async () => {
    const gateway = await open();
    const { field } = await (await world.buyer('none')).sign(`${gateway.url}/a`);
    const tried = await counted(async () => expect(await pay(gateway, field)).toMatchObject(REFUSED));
    expect(tried).toEqual({ money: 0n, asked: 0 });
  });

  it('a buyer whose payment somebody else had settled is not asked to pay a second time', async () => {
    const gateway = await open();
    const { field, frontRun } = await (await world.buyer()).sign(`${gateway.url}/a`);
    const tried = await counted(async () => {
      await frontRun();
      for (let time = 0; time < 3; time += 1) expect(await pay(gateway, field)).toEqual(USED);
    });
    expect(tried).toEqual({ money: 1000n, asked: 0 });
  });

  it('a payment that a third party settled is served once with foreignTransfers: serve, however many copies come', async () => {
    const gateway = await open('foreignTransfers: serve\n');
    const { field, frontRun } = await (await world.buyer()).sign(`${gateway.url}/a`);
    const tried = await counted(async () => {
      await frontRun();
      const answers = await Promise.all(Array.from({ length: 10 }, () => pay(gateway, field)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ offered }) => offered)).toEqual([]);
      expect(await pay(gateway, field)).toEqual(USED);
    });
    expect(tried).toEqual({ money: 1000n, asked: 1 });
  });

  it('a payment used at one gateway buys nothing at another gateway of the same seller', async () => {
    const [one, another] = [await open(), await open()];
    const { field } = await (await world.buyer()).sign(`${one.url}/a`);
    expect((await pay(one, field)).status).toBe(200);
    const tried = await counted(async () => {
      expect(await pay(another, field)).toMatchObject({ status: 409, offered: false });
      if (!kind.forOneRoute) expect(await pay(another, field, '/b')).toMatchObject({ status: 409, offered: false });
    });
    expect(tried).toEqual({ money: 0n, asked: 0 });
  });
});
