import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settlementOf, signFor, stockFetch } from '../support/buyer.ts';
import { clientOf, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { refusingUrl } from '../support/scripted-facilitator.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let buyer: Payer;
/** What the upstream does with the next requests, and with all after them. */
let behaviour: (req: import('node:http').IncomingMessage, res: import('node:http').ServerResponse) => void;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((req, res) => behaviour(req, res))]);
  const refused = await refusingUrl();
  gateway = await startTestGateway(
    `${settings(devnet, upstream.url)}
routes:
  - { path: /after/*, price: $0.001, timeout: 1s }
  - { path: /link, price: $0.001, charge: [302, 4xx] }
  - { path: /before/*, price: $0.001, settle: before, timeout: 1s }
  - { path: /link-before, price: $0.001, settle: before, charge: [302] }
  - { path: /dead-after, price: $0.001, upstream: "${refused}" }
  - { path: /dead-before, price: $0.001, settle: before, upstream: "${refused}" }
`,
  );
  buyer = await freshPayer(devnet);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

async function payWith(header: string, path: string, init: RequestInit = {}): Promise<Response> {
  return await fetch(gateway.url + path, { ...init, headers: { 'PAYMENT-SIGNATURE': header } });
}

async function paidTo(): Promise<bigint> {
  return await devnet.usdcBalanceOf(devnet.accounts.payee.address);
}

describe('settle: after', () => {
  it.each([404, 500, 503])('charges nothing for an answer of %i, and the payment can be used again', async (status) => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/after/x`);
    behaviour = (_req, res) => res.writeHead(status, { 'Content-Type': 'text/plain' }).end('sorry');
    const refused = await payWith(header, '/after/x');
    expect(refused.status).toBe(status);
    expect(await refused.text()).toBe('sorry');
    expect(refused.headers.get('payment-response')).toBeNull();
    expect(await paidTo()).toBe(before);
    behaviour = (_req, res) => res.end('here you are');
    const paid = await payWith(header, '/after/x');
    expect(await paid.text()).toBe('here you are');
    expect(settlementOf(paid).success).toBe(true);
    expect(await paidTo()).toBe(before + 1000n);
  });

  it.each([301, 302, 303, 304, 307, 308])('does not charge %i, and the payment can be used again', async (status) => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/after/moved`);
    behaviour = (_req, res) => res.writeHead(status, { Location: '/after/moved/' }).end();
    const moved = await payWith(header, '/after/moved', { redirect: 'manual' });
    expect(moved.status).toBe(status);
    expect(moved.headers.get('payment-response')).toBeNull();
    expect(await paidTo()).toBe(before);
    behaviour = (_req, res) => res.end('here you are');
    expect(settlementOf(await payWith(header, '/after/moved')).success).toBe(true);
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('charges the statuses that the route lists, and no others', async () => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/link`);
    behaviour = (_req, res) => res.writeHead(200).end('not what is sold');
    expect((await payWith(header, '/link')).headers.get('payment-response')).toBeNull();
    behaviour = (_req, res) => res.writeHead(302, { Location: 'https://files.example/1' }).end();
    const sold = await payWith(header, '/link', { redirect: 'manual' });
    expect(sold.status).toBe(302);
    expect(settlementOf(sold).success).toBe(true);
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('charges nothing when the upstream refuses the connection, and the payment can be used again', async () => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/dead-after`);
    for (const _try of [1, 2]) {
      const response = await payWith(header, '/dead-after');
      expect(response.status).toBe(502);
      expect(await response.json()).toMatchObject({ code: 'upstream_unreachable' });
      expect(response.headers.get('payment-required')).toBeNull();
    }
    expect(await paidTo()).toBe(before);
  });

  it('charges nothing when the upstream is too slow, and the payment can be used again', async () => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/after/slow`);
    behaviour = () => {};
    const late = await payWith(header, '/after/slow');
    expect(late.status).toBe(504);
    expect(await late.json()).toMatchObject({ code: 'upstream_timeout' });
    expect(await paidTo()).toBe(before);
    behaviour = (_req, res) => res.end('in time');
    expect(await (await payWith(header, '/after/slow')).text()).toBe('in time');
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('charges nothing when the client goes before the upstream answered', async () => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/after/gone`);
    const upstreamGone = Promise.withResolvers<void>();
    const client = new AbortController();
    behaviour = (req) => {
      req.socket.once('close', () => upstreamGone.resolve());
      client.abort();
    };
    await expect(payWith(header, '/after/gone', { signal: client.signal })).rejects.toThrow('aborted');
    await upstreamGone.promise;
    behaviour = (_req, res) => res.end('again');
    expect(await (await payWith(header, '/after/gone')).text()).toBe('again');
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('holds back the answer until the money moved', async () => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/after/held`);
    let balanceAtAnswer = -1n;
    behaviour = async (_req, res) => {
      balanceAtAnswer = await paidTo();
      res.end('held');
    };
    const response = await payWith(header, '/after/held');
    expect(balanceAtAnswer).toBe(before);
    expect(await paidTo()).toBe(before + 1000n);
    expect(await response.text()).toBe('held');
  });
});

describe('settle: before', () => {
  it('has its transaction on the chain before the upstream sees the request', async () => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/before/x`);
    let balanceAtUpstream = -1n;
    behaviour = async (_req, res) => {
      balanceAtUpstream = await paidTo();
      res.end('done');
    };
    const response = await payWith(header, '/before/x');
    expect(await response.text()).toBe('done');
    expect(balanceAtUpstream).toBe(before + 1000n);
    const hash = settlementOf(response).transaction as `0x${string}`;
    expect((await clientOf(devnet).getTransactionReceipt({ hash })).status).toBe('success');
  });

  it('keeps the payment good when the upstream fails, and charges once', async () => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/before/flaky`);
    behaviour = (_req, res) => res.writeHead(500).end('broken');
    const failed = await payWith(header, '/before/flaky');
    expect(failed.status).toBe(500);
    expect(settlementOf(failed).success).toBe(true);
    behaviour = (_req, res) => res.end('works now');
    const collected = await payWith(header, '/before/flaky');
    expect(await collected.text()).toBe('works now');
    expect(settlementOf(collected)).toEqual(settlementOf(failed));
    const again = await payWith(header, '/before/flaky');
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: 'payment_already_used' });
    expect(await paidTo()).toBe(before + 1000n);
  });

  it.each([301, 304, 404])('keeps the payment good when the upstream answers %i, and charges once', async (status) => {
    const before = await paidTo();
    const path = `/before/${status}`;
    const header = await signFor(devnet, buyer, gateway.url + path);
    behaviour = (_req, res) => res.writeHead(status, { Location: '/before/other' }).end();
    const first = await payWith(header, path, { redirect: 'manual' });
    expect([first.status, settlementOf(first).success]).toEqual([status, true]);
    // Where the redirect leads is another resource, which this payment does not buy. No offer tells its buyer to pay again.
    const other = await payWith(header, '/before/other');
    expect(await other.json()).toMatchObject({ status: 409, code: 'payment_bound_to_another_request' });
    expect(other.headers.get('payment-required')).toBeNull();
    behaviour = (_req, res) => res.end('served');
    expect(await (await payWith(header, path)).text()).toBe('served');
    expect((await payWith(header, path)).status).toBe(409);
    expect(await paidTo()).toBe(before + 1000n);
  });

  it.each([
    ['after', 'a slash at its end', 'GET', '/after/items', '/after/items/'],
    ['after', 'none', 'POST', '/after/posts/', '/after/posts'],
    ['before', 'a slash at its end', 'GET', '/before/items', '/before/items/'],
    ['before', 'none', 'POST', '/before/posts/', '/before/posts'],
  ])('%s sells once to a client that is redirected to the path with %s', async (_mode, _form, method, path, target) => {
    const before = await paidTo();
    behaviour = (req, res) => {
      if (req.url === path) res.writeHead(307, { Location: `http://${req.headers.host}${target}` }).end();
      else res.end(`the list at ${req.url}`);
    };
    const response = await stockFetch(buyer.key)(gateway.url + path, { method });
    expect([response.status, await response.text()]).toEqual([200, `the list at ${target}`]);
    expect(settlementOf(response).success).toBe(true);
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('takes the statuses that the route lists for what was sold', async () => {
    const header = await signFor(devnet, buyer, `${gateway.url}/link-before`);
    behaviour = (_req, res) => res.writeHead(302, { Location: '/file' }).end();
    expect((await payWith(header, '/link-before', { redirect: 'manual' })).status).toBe(302);
    const again = await payWith(header, '/link-before', { redirect: 'manual' });
    expect(await again.json()).toMatchObject({ code: 'payment_already_used' });
  });

  it('gives a receipt with the 502 when the upstream cannot be reached', async () => {
    const header = await signFor(devnet, buyer, `${gateway.url}/dead-before`);
    const response = await payWith(header, '/dead-before');
    expect(response.status).toBe(502);
    expect(settlementOf(response).success).toBe(true);
    expect(response.headers.get('payment-required')).toBeNull();
  });

  it('does not run an unsafe call again when its outcome is not known', async () => {
    const init = { method: 'POST' };
    const header = await signFor(devnet, buyer, `${gateway.url}/before/order`, init);
    behaviour = (req) => req.socket.destroy();
    const broken = await payWith(header, '/before/order', init);
    expect(broken.status).toBe(502);
    const seen = upstream.seen.length;
    const again = await payWith(header, '/before/order', init);
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: 'delivery_unknown' });
    expect(settlementOf(again).success).toBe(true);
    expect(upstream.seen.length).toBe(seen);
  });
});

describe.each(['after', 'before'])('settle: %s', (mode) => {
  it('delivers server-sent events one by one', async () => {
    const header = await signFor(devnet, buyer, `${gateway.url}/${mode}/events`);
    const next = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    behaviour = async (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.write('data: 1\n\n');
      await next[0]?.promise;
      res.write('data: 2\n\n');
      await next[1]?.promise;
      res.end('data: 3\n\n');
    };
    const response = await payWith(header, `/${mode}/events`);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    // Each event is sent only once the one before it has arrived: a gateway that buffers would hang here.
    expect((await reader.read()).value).toBe('data: 1\n\n');
    next[0]?.resolve();
    expect((await reader.read()).value).toBe('data: 2\n\n');
    next[1]?.resolve();
    expect((await reader.read()).value).toBe('data: 3\n\n');
    expect((await reader.read()).done).toBe(true);
  });

  it('runs the upstream once for fifty copies of one payment at the same time', async () => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/${mode}/once`);
    const seen = upstream.seen.length;
    behaviour = (_req, res) => res.end('once');
    const responses = await Promise.all(Array.from({ length: 50 }, () => payWith(header, `/${mode}/once`)));
    const bodies = await Promise.all(responses.map((response) => response.text()));
    expect(responses.filter((response) => response.status === 200)).toHaveLength(1);
    expect(responses.filter((response) => response.status === 409)).toHaveLength(49);
    expect(responses.every((response) => response.headers.get('payment-required') === null)).toBe(true);
    expect(bodies.filter((body) => body === 'once')).toHaveLength(1);
    expect(upstream.seen.length).toBe(seen + 1);
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('refuses a paid payment on another path, method or query', async () => {
    const header = await signFor(devnet, buyer, `${gateway.url}/${mode}/mine`);
    behaviour = (_req, res) => res.end('mine');
    expect((await payWith(header, `/${mode}/mine`)).status).toBe(200);
    const seen = upstream.seen.length;
    for (const [path, init] of [
      [`/${mode}/mine?other=1`, {}],
      [`/${mode}/mine`, { method: 'POST' }],
    ] as const) {
      const response = await payWith(header, path, init);
      expect(response.status).toBe(409);
      expect(await response.json()).toMatchObject({ code: 'payment_bound_to_another_request' });
      expect(response.headers.get('payment-required')).toBeNull();
    }
    expect(upstream.seen.length).toBe(seen);
  });

  it('lets the same payment collect an answer that broke off, without a new charge', async () => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/${mode}/broken`);
    behaviour = (_req, res) => {
      res.writeHead(200, { 'Content-Length': '1000' });
      res.write('part');
      setImmediate(() => res.destroy());
    };
    const broken = await payWith(header, `/${mode}/broken`);
    await expect(broken.text()).rejects.toThrow();
    behaviour = (_req, res) => res.end('whole');
    const collected = await payWith(header, `/${mode}/broken`);
    expect(await collected.text()).toBe('whole');
    expect(settlementOf(collected)).toEqual(settlementOf(broken));
    expect(await paidTo()).toBe(before + 1000n);
  });
});

describe('a facilitator that settles and never answers', () => {
  it('leaves the outcome unknown: 503 with Retry-After, no new offer, for the retry too', async () => {
    const sockets = new Set<Socket>();
    const settling = Promise.withResolvers<void>();
    const facilitator = createServer((req, res) => {
      req.resume();
      if (req.url === '/supported') {
        res.end(JSON.stringify({ kinds: [{ x402Version: 2, scheme: 'exact', network: 'eip155:84532' }] }));
      } else if (req.url === '/verify') {
        res.end(JSON.stringify({ isValid: true, payer: buyer.address }));
      } else settling.resolve();
    });
    facilitator.on('connection', (socket) => sockets.add(socket));
    facilitator.listen(0, '127.0.0.1');
    await once(facilitator, 'listening');
    const url = `http://127.0.0.1:${(facilitator.address() as AddressInfo).port}`;
    const own = await startTestGateway(
      `${settings(devnet, upstream.url, { kind: 'remote', url, settleTimeout: '1s' })}
routes:
  - { path: /x, price: $0.001 }
`,
    );
    behaviour = (_req, res) => res.end('never seen');
    const header = await signFor(devnet, buyer, `${own.url}/x`);
    const headers = { 'PAYMENT-SIGNATURE': header };
    const first = fetch(`${own.url}/x`, { headers });
    await settling.promise;
    const during = await fetch(`${own.url}/x`, { headers });
    expect(during.status).toBe(409);
    expect(await during.json()).toMatchObject({ code: 'payment_in_progress' });
    for (const response of [await first, await fetch(`${own.url}/x`, { headers })]) {
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).not.toBeNull();
      expect(response.headers.get('payment-required')).toBeNull();
      expect(await response.json()).toMatchObject({ code: 'settlement_unknown' });
    }
    await own.close();
    for (const socket of sockets) socket.destroy();
    facilitator.close();
  });
});
