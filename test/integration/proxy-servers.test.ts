import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Upstream } from '../../src/domain/upstream.ts';
import { HealthBook } from '../../src/proxy/server-health.ts';
import { type BareGateway, type BareGatewayOptions, openBareGateway } from '../support/bare-gateway.ts';
import { freePort } from '../support/free-port.ts';
import { openHttpUpstream, openOddUpstream, type TestUpstream, upstreamAt } from '../support/odd-upstream.ts';
import { connectRaw, exchangeRaw } from '../support/raw-http.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const GET = 'GET /x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n';

function kept<T extends { close(): Promise<void> }>(each: T): T {
  open.push(each);
  return each;
}

/** An upstream of several servers on loopback, each with its own base path. */
function upstreamOf(ports: readonly number[], changes: Partial<Upstream> = {}): Upstream {
  const servers = ports.map((port, index) => ({ origin: `http://127.0.0.1:${port}`, basePath: `/s${index}` }));
  return upstreamAt(0, { servers, ...changes });
}

async function gatewayTo(ports: readonly number[], options?: BareGatewayOptions): Promise<BareGateway> {
  return kept(await openBareGateway(upstreamOf(ports), options));
}

/** An API that answers with the URL that it was asked for and the body that it got. */
async function echo(): Promise<TestUpstream> {
  return kept(
    await openHttpUpstream(async (req, res) => {
      let body = '';
      for await (const chunk of req) body += chunk;
      res.end(`${req.url} ${body}`);
    }),
  );
}

async function ask(gateway: BareGateway, request = GET): Promise<string> {
  const { body } = await exchangeRaw(gateway.port, request);
  return body.toString();
}

describe('an upstream of several servers', () => {
  it('gets requests in turns, each server below its own base path', async () => {
    const gateway = await gatewayTo([(await echo()).port, (await echo()).port]);
    const answers = [await ask(gateway), await ask(gateway), await ask(gateway), await ask(gateway)];
    expect(answers.sort()).toEqual(['/s0/x ', '/s0/x ', '/s1/x ', '/s1/x ']);
  });

  it('gets a request at the least busy server', async () => {
    const asked = Promise.withResolvers<void>();
    const stuck = kept(await openHttpUpstream(() => asked.resolve()));
    const gateway = await gatewayTo([stuck.port, (await echo()).port]);
    const waiting: Awaited<ReturnType<typeof connectRaw>>[] = [];
    for (let i = 0; i < 2; i++) {
      const client = await connectRaw(gateway.port);
      client.send(GET);
      waiting.push(client);
    }
    await asked.promise;
    for (let i = 0; i < 10; i++) expect(await ask(gateway)).toBe('/s1/x ');
    for (const client of waiting) client.socket.destroy();
  });

  it('answers every request while one server refuses connections, bodies included', async () => {
    const gateway = await gatewayTo([await freePort(), (await echo()).port]);
    for (let i = 0; i < 8; i++) {
      const request =
        i % 2 === 0 ? GET : 'POST /p HTTP/1.1\r\nHost: gw\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody';
      expect(await ask(gateway, request)).toBe(i % 2 === 0 ? '/s1/x ' : '/s1/p body');
    }
  });

  it('answers while one server does not speak TLS', async () => {
    const plain = kept(
      await openOddUpstream((peer) => void peer.socket.once('data', () => peer.send('HTTP/1.1 400 No\r\n\r\n'))),
    );
    const { port } = await echo();
    const servers = [
      { origin: `https://127.0.0.1:${plain.port}`, basePath: '/tls' },
      { origin: `http://127.0.0.1:${port}`, basePath: '/s1' },
    ];
    const gateway = kept(await openBareGateway(upstreamAt(0, { servers })));
    for (let i = 0; i < 4; i++) expect(await ask(gateway)).toBe('/s1/x ');
  });

  it('leaves out a server that resets before its answer, and never repeats a request sent to it', async () => {
    let seen = 0;
    const resetting = kept(
      await openOddUpstream(async (peer) => {
        await peer.until('\r\n\r\n');
        seen += 1;
        peer.socket.resetAndDestroy();
      }),
    );
    const health = new HealthBook(() => 0);
    const gateway = await gatewayTo([resetting.port, (await echo()).port], { health });
    const outcomes: string[] = [];
    for (let i = 0; i < 12; i++) {
      await ask(gateway);
      outcomes.push((await gateway.next()).kind);
    }
    expect(seen).toBe(3);
    expect(outcomes.filter((kind) => kind === 'fault')).toHaveLength(3);
    expect(outcomes.slice(-5)).toEqual(Array(5).fill('complete'));
  });

  it('uses a server again when it is back', async () => {
    let now = 0;
    const health = new HealthBook(() => now);
    const port = await freePort();
    const gateway = await gatewayTo([port, (await echo()).port], { health });
    for (let i = 0; i < 8; i++) expect(await ask(gateway)).toBe('/s1/x ');
    expect(health.of(`http://127.0.0.1:${port}`).isOut).toBe(true);
    const back = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nback'));
    }).listen(port, '127.0.0.1');
    await once(back, 'listening');
    for (let i = 0; i < 4; i++) expect(await ask(gateway)).toBe('/s1/x ');
    now += 1000;
    expect(await ask(gateway)).toBe('back');
    expect(health.of(`http://127.0.0.1:${port}`).isOut).toBe(false);
    back.close();
  });

  it('is unreachable, and has seen nothing, when no server takes a connection', async () => {
    const gateway = await gatewayTo([await freePort(), await freePort()]);
    for (let i = 0; i < 5; i++) {
      expect(await ask(gateway)).toContain('upstream_unreachable');
      expect(await gateway.next()).toEqual({ kind: 'fault', code: 'upstream_unreachable', reached: false });
    }
  });

  it('counts running requests correctly, however they end', async () => {
    const health = new HealthBook();
    const { port } = await echo();
    const silent = kept(await openOddUpstream(() => {}));
    const gateway = await gatewayTo([port, silent.port, await freePort()], { health, timeoutMs: 50 });
    for (let i = 0; i < 9; i++) await ask(gateway);
    for (const at of [port, silent.port]) expect(health.of(`http://127.0.0.1:${at}`).busy).toBe(0);
  });
});
