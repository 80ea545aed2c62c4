import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openHttpUpstream, openOddUpstream, type TestUpstream } from '../support/odd-upstream.ts';
import { connectRaw, type RawPeer } from '../support/raw-http.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function gatewayTo(ports: readonly number[]): Promise<TestGateway & { readonly port: number }> {
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const lines = [`upstream: [${urls.join(', ')}]`, 'store: memory', 'routes:', '  - {path: /*, price: free}', ''];
  const gateway = await startTestGateway(lines.join('\n'));
  open.push(gateway);
  return { ...gateway, port: Number(new URL(gateway.url).port) };
}

async function echo(): Promise<TestUpstream> {
  const upstream = await openHttpUpstream(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    res.end(`got ${body}`);
  });
  open.push(upstream);
  return upstream;
}

const POST = 'POST /x HTTP/1.1\r\nHost: gw\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n';

describe('a gateway in front of several servers', () => {
  it('tells in its readiness what is wrong with each, and stays ready', async () => {
    const port = await freePort();
    const { port: good } = await echo();
    const gateway = await gatewayTo([port, good]);
    for (let i = 0; i < 8; i++) expect(await (await fetch(gateway.url)).text()).toBe('got ');
    const ready = await fetch(`${gateway.adminUrl}/readyz`);
    expect(ready.status).toBe(200);
    const name = `upstream http://127.0.0.1:${port}`;
    const detail = expect.stringContaining('3 failed in a row, left out');
    expect(await ready.json()).toMatchObject({
      ready: true,
      degraded: [{ name, detail }],
      checks: expect.arrayContaining([
        { name, scope: 'upstream', ready: false, detail },
        { name: `upstream http://127.0.0.1:${good}`, scope: 'upstream', ready: true },
      ]),
    });
  });

  it('sends 100 Continue for a body that waits for it, and sends the body to the server that takes the connection', async () => {
    const gateway = await gatewayTo([await freePort(), (await echo()).port]);
    for (let i = 0; i < 2; i++) {
      const client = await connectRaw(gateway.port);
      client.send(POST);
      expect(await client.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
      client.send('body');
      await client.until('got body');
      client.socket.destroy();
    }
  });

  it('does not ask for a body when there is no server to send it to', async () => {
    const gateway = await gatewayTo([await freePort(), await freePort()]);
    const client = await connectRaw(gateway.port);
    client.send(POST);
    expect(await client.until('upstream_unreachable')).toMatch(/^HTTP\/1.1 502 /);
    client.socket.destroy();
  });

  it('tells the server when the client breaks a free download off, and the client when the server does', async () => {
    const peers: RawPeer[] = [];
    const upstream = await openOddUpstream(async (peer) => {
      await peer.until('\r\n\r\n');
      peers.push(peer);
      peer.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart');
    });
    open.push(upstream);
    const gateway = await gatewayTo([upstream.port]);
    const ask = async (): Promise<RawPeer> => {
      const client = await connectRaw(gateway.port);
      client.send('GET /x HTTP/1.1\r\nHost: gw\r\n\r\n');
      await client.until('part');
      return client;
    };
    (await ask()).socket.destroy();
    await peers[0]?.ended;
    const client = await ask();
    peers[1]?.socket.resetAndDestroy();
    expect((await client.ended).toString().endsWith('part')).toBe(true);
  });
});
