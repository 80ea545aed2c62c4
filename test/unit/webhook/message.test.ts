import fc from 'fast-check';
import { Webhook as Verifier } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import type { Amount } from '../../../src/domain/amount.ts';
import type { Network } from '../../../src/domain/network.ts';
import type { PassId } from '../../../src/domain/pass.ts';
import type { PaymentKey } from '../../../src/domain/payment.ts';
import type { PaymentEvent, Webhook } from '../../../src/domain/webhook.ts';
import { encodeMessage } from '../../../src/webhook/message.ts';
import { nextAttemptAt, TRIED_FOR_MS } from '../../../src/webhook/retry.ts';
import { readRepositoryFile } from '../../support/docs/markdown.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const TEXT_SECRET = 'correct horse battery staple';
const AT = Date.UTC(2026, 10, 22, 16, 24, 5, 123);

const EVENT: PaymentEvent = {
  id: 'evt_one',
  type: 'payment.settled',
  createdAt: AT,
  payment: 'eip155:8453|0x02|0x01|0x03' as PaymentKey,
  route: 'GET /v1/weather/:city',
  requestId: 'request',
  payer: '0x01',
  network: 'eip155:8453' as Network,
  asset: '0x02',
  amount: (2n ** 200n) as Amount,
  payTo: '0x04',
  scheme: 'exact',
  protocol: 'mpp',
  usage: undefined,
  transaction: '0xab',
  settledAt: AT,
};

function hook(secret: string): Webhook {
  const bytes = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  return { id: 'hook', url: 'https://shop.example.com/', secret: bytes.toString('base64'), routes: undefined };
}

/** The verification that docs/webhooks.md shows, as it stands there. */
async function documented(): Promise<
  (headers: Readonly<Record<string, string>>, body: string, secret: string) => unknown
> {
  const code = /```js\n([\s\S]+?)```/.exec(readRepositoryFile('docs/webhooks.md'))?.[1] ?? '';
  return (await import(`data:text/javascript,${encodeURIComponent(code)}`)).verify;
}

describe('a message', () => {
  it('says what happened, in exact amounts and times that every language reads', () => {
    const { body, headers } = encodeMessage(EVENT, hook(SECRET), AT);
    expect(headers['Content-Type']).toBe('application/json');
    expect(JSON.parse(body)).toEqual({
      id: 'evt_one',
      type: 'payment.settled',
      createdAt: '2026-11-22T16:24:05.123Z',
      data: {
        route: 'GET /v1/weather/:city',
        payer: '0x01',
        network: 'eip155:8453',
        asset: '0x02',
        amount: (2n ** 200n).toString(),
        payTo: '0x04',
        transaction: '0xab',
        scheme: 'exact',
        protocol: 'mpp',
        requestId: 'request',
        settledAt: '2026-11-22T16:24:05.123Z',
        payment: 'eip155:8453|0x02|0x01|0x03',
      },
    });
    const { data } = JSON.parse(
      encodeMessage({ ...EVENT, transaction: undefined, settledAt: undefined }, hook(SECRET), AT).body,
    );
    expect(data).toMatchObject({ transaction: null, settledAt: null });
  });

  it('reports what a balance paid, with its usage', () => {
    const { id, createdAt, route, requestId, payer, network, asset } = EVENT;
    const usage = '{"meter":"openai","figures":{"input":"9007199254740993"}}';
    const facts = { id, createdAt, route, requestId, payer, network, asset, usage };
    const event = { ...facts, type: 'balance.drawn', pass: 'p' as PassId, amount: 7n as Amount } as const;
    expect(JSON.parse(encodeMessage(event, hook(SECRET), AT).body)).toEqual({
      id,
      type: 'balance.drawn',
      createdAt: '2026-11-22T16:24:05.123Z',
      data: { route, payer, network, asset, amount: '7', requestId, pass: 'p', usage: JSON.parse(usage) },
    });
  });

  it('says the same whenever it is sent, and is signed anew for each attempt', () => {
    const [one, other] = [AT, AT + 60_000].map((now) => encodeMessage(EVENT, hook(SECRET), now));
    expect(other?.body).toBe(one?.body);
    expect(other?.headers['webhook-id']).toBe(one?.headers['webhook-id']);
    expect(Number(other?.headers['webhook-timestamp'])).toBe(Number(one?.headers['webhook-timestamp']) + 60);
    expect(other?.headers['webhook-signature']).not.toBe(one?.headers['webhook-signature']);
  });

  it("verifies with the library of the specification's authors, whatever the name of the route", () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(SECRET, TEXT_SECRET), (route, secret) => {
        const { body, headers } = encodeMessage({ ...EVENT, route }, hook(secret), Date.now());
        const verifier = secret === SECRET ? new Verifier(secret) : new Verifier(secret, { format: 'raw' });
        verifier.verify(Buffer.from(body), headers);
        expect(JSON.parse(Buffer.from(body).toString()).data.route).toBe(route.toWellFormed());
      }),
    );
  });

  it.each([SECRET, TEXT_SECRET])('verifies by the example in docs/webhooks.md with the secret %s', async (secret) => {
    const verify = await documented();
    const { body, headers } = encodeMessage(EVENT, hook(secret), Date.now());
    expect(verify(headers, body, secret)).toMatchObject({ id: 'evt_one' });
    expect(() => verify(headers, body.replace('request', 'another'), secret)).toThrow('not signed by us');
    expect(() => verify(headers, body, `${secret.slice(0, -4)}AAAA`)).toThrow('not signed by us');
    expect(() => verify({ ...headers, 'webhook-id': 'evt_two' }, body, secret)).toThrow('not signed by us');
    expect(() => verify({ ...headers, 'webhook-signature': '' }, body, secret)).toThrow('not signed by us');
    const old = encodeMessage(EVENT, hook(secret), Date.now() - 3_600_000);
    expect(() => verify(old.headers, old.body, secret)).toThrow('too old');
  });
});

describe('the next attempt', () => {
  const waits = (random: number): number[] => {
    const found: number[] = [];
    for (let now = AT; ; ) {
      const next = nextAttemptAt(found.length + 1, AT, now, random);
      if (next === undefined) return found;
      found.push(next - now);
      now = next;
    }
  };

  it('waits twice as long each time, up to an hour, for three days', () => {
    const seconds = waits(0.5).map((wait) => wait / 1000);
    expect(seconds.slice(0, 11)).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]);
    expect(seconds.at(-1)).toBe(3600);
    const total = seconds.reduce((sum, wait) => sum + wait, 0);
    expect(TRIED_FOR_MS / 1000 - total).toBeGreaterThanOrEqual(0);
    expect(TRIED_FOR_MS / 1000 - total).toBeLessThan(3600);
  });

  it('is shifted at random by up to a fifth either way', () => {
    expect(waits(0)[0]).toBe(4000);
    expect(waits(1)[0]).toBe(6000);
  });
});
