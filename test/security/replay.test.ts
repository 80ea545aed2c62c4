import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { paymentKinds } from '../support/payment-kinds/kinds.ts';
import {
  type Field,
  fieldLine,
  type PaymentBuyer,
  type PaymentWorld,
  type SignedPayment,
} from '../support/payment-kinds/payment-kind.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { codeOf, lastRequest, laySiege, type Siege, statusOf } from './siege.ts';

/** A payment buys one answer, for the request it was first used for, in whatever form it comes again. */

const ROUTES = `
routes:
  - { path: /a, price: $0.001 }
  - { path: /b, price: $0.001 }
  - { path: /b, host: other.test, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
  - { path: /idempotent, methods: [POST], price: $0.001, settle: before, idempotent: true }
`;
const DEFERRED = '  - { path: /deferred, price: $0.001, settle: deferred }\n';

describe.each(paymentKinds)('with $name', (kind) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-'));
  let world: PaymentWorld;
  let siege: Siege;
  let buyer: PaymentBuyer;

  beforeAll(async () => {
    world = await kind.start();
    const routes = kind.onCredit ? ROUTES + DEFERRED : ROUTES;
    siege = await laySiege(routes, { head: world.settings, store: `sqlite:${join(folder, 'ledger.db')}` });
    buyer = await world.buyer();
  });
  beforeEach(() => siege.answer((req, res) => req.on('end', () => res.end('served'))));
  afterAll(async () => {
    await siege?.close();
    await world?.close();
    rmSync(folder, { recursive: true });
  });

  const paid = (): Promise<bigint> => world.received();
  const sign = (path: string, method = 'GET'): Promise<SignedPayment> => buyer.sign(siege.gateway.url + path, method);
  const ask = (line: string, field: Field, headers: readonly string[] = [], body = ''): Promise<RawResponse> =>
    // With the Host of the 402: a challenge of MPP states it.
    siege.ask(lastRequest(line, [...headers, fieldLine(field)], body).replace('gw.test', `127.0.0.1:${siege.port}`));

  describe.each(kind.onCredit ? ['/a', '/before', '/deferred'] : ['/a', '/before'])('a payment for %s', (path) => {
    it('is served once and charged once, however many copies in whatever spelling come at once', async () => {
      const { spellings } = await sign(path);
      const before = { seen: siege.seen.length, money: await paid() };
      const copies = [0, 1, 2, 3, 4, 5].flatMap(() => spellings);
      const answers = await Promise.all(copies.map((field) => ask(`GET ${path}`, field)));
      const statuses = answers.map(statusOf);
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
      expect(new Set(statuses)).toEqual(new Set([200, 409]));
      expect(answers.filter((answer) => statusOf(answer) === 409).flatMap(offersOf)).toEqual([]);
      expect(siege.seen.length - before.seen).toBe(1);
      await expect.poll(async () => (await paid()) - before.money, { timeout: 20_000 }).toBe(1000n);
      for (const field of spellings) {
        expect(codeOf(await ask(`GET ${path}`, field))).toBe('payment_already_used');
      }
      expect(siege.seen.length - before.seen).toBe(1);
    });
  });

  describe('a used payment', () => {
    it.each([
      ['another route', 'GET /b', []],
      ['another method', 'POST /a', ['Content-Length: 0']],
      ['HEAD', 'HEAD /a', []],
      ['another query', 'GET /a?x=1', []],
      ['an empty query', 'GET /a?', []],
    ] as const)('buys nothing at %s of the same price', async (_name, line, headers) => {
      const { field } = await sign('/a');
      expect(statusOf(await ask('GET /a', field))).toBe(200);
      const before = { seen: siege.seen.length, money: await paid() };
      const answer = await ask(line, field, headers);
      expect(statusOf(answer)).toBe(409);
      if (!line.startsWith('HEAD')) expect(codeOf(answer)).toBe('payment_bound_to_another_request');
      expect(offersOf(answer)).toEqual([]);
      expect({ seen: siege.seen.length, money: await paid() }).toEqual(before);
    });

    it('buys nothing at another host', async () => {
      const { field } = await sign('/b');
      expect(statusOf(await ask('GET /b', field))).toBe(200);
      const before = siege.seen.length;
      // The first host has a route of its own, the second uses the same route.
      for (const host of ['other.test', 'another.test']) {
        const bytes = `GET /b HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${fieldLine(field)}\r\n\r\n`;
        expect(codeOf(await siege.ask(bytes))).toBe('payment_bound_to_another_request');
      }
      expect(siege.seen.length).toBe(before);
    });

    it('buys nothing with changed contents, or with the other signature of the same key and message', async () => {
      const { field, tampered } = await sign('/a');
      expect(statusOf(await ask('GET /a', field))).toBe(200);
      const before = siege.seen.length;
      for (const [part, changed] of tampered) {
        // The signed part is unchanged here, so the gateway recognises the used payment.
        const status = part === 'the id of its challenge' ? 409 : 402;
        expect([part, statusOf(await ask('GET /a', changed))]).toEqual([part, status]);
      }
      expect(siege.seen.length).toBe(before);
    });

    it.runIf(kind.name.endsWith('EVM'))('buys nothing as a payment of another protocol or version', async () => {
      const { field, inAnotherProtocol = field } = await sign('/a');
      expect(inAnotherProtocol).not.toBe(field);
      expect(statusOf(await ask('GET /a', field))).toBe(200);
      const before = siege.seen.length;
      expect(codeOf(await ask('GET /a', inAnotherProtocol))).toBe('payment_already_used');
      expect(siege.seen.length).toBe(before);
    });
  });

  describe('a payment whose answer did not arrive', () => {
    it('collects it once, at no new charge, and only with the body it was paid for', async () => {
      const { field } = await sign('/idempotent', 'POST');
      const post = (body: string): Promise<RawResponse> =>
        ask('POST /idempotent', field, [`Content-Length: ${body.length}`], body);
      siege.answer((req, res) => req.on('end', () => res.writeHead(500).end('broken')));
      const money = await paid();
      expect(statusOf(await post('order 1'))).toBe(500);
      siege.answer((req, res) => req.on('end', () => res.end('served')));
      expect(codeOf(await post('order 2'))).toBe('payment_bound_to_another_request');
      const collected = (await Promise.all(Array.from({ length: 10 }, () => post('order 1')))).map(statusOf);
      expect(collected.filter((status) => status === 200)).toHaveLength(1);
      expect(codeOf(await post('order 1'))).toBe('payment_already_used');
      expect((await paid()) - money).toBe(1000n);
      expect(siege.seen.filter(({ body }) => body === 'order 2')).toEqual([]);
    });

    it('is not charged when the API refused, and then buys one answer, also at another route unless it names its route', async () => {
      const { field } = await sign('/a');
      const money = await paid();
      siege.answer((req, res) => req.on('end', () => res.writeHead(404).end('none')));
      expect(statusOf(await ask('GET /a', field))).toBe(404);
      siege.answer((req, res) => req.on('end', () => res.end('served')));
      const paths = kind.forOneRoute ? ['/a', '/a', '/a', '/a'] : ['/a', '/b', '/a', '/b'];
      const all = await Promise.all(paths.map((path) => ask(`GET ${path}`, field)));
      expect(all.map(statusOf).toSorted()).toEqual([200, 409, 409, 409]);
      expect((await paid()) - money).toBe(1000n);
    });
  });
});

/** All headers that would make a client pay again. */
function offersOf(answer: RawResponse): readonly string[] {
  return [...answer.all('payment-required'), ...answer.all('www-authenticate')];
}
