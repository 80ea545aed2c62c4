import { afterEach, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { connectRaw, parseRaw, type RawPeer } from '../support/raw-http.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const open: (TestGateway | TestUpstream)[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** A client that has got one answer and says nothing more. */
async function restingClient(keepAliveTimeout: string): Promise<RawPeer> {
  const upstream = await startUpstream();
  const routes = 'store: memory\nroutes: [{ path: /*, price: free }]\n';
  const gateway = await startTestGateway(`upstream: ${upstream.url}\nkeepAliveTimeout: ${keepAliveTimeout}\n${routes}`);
  open.push(upstream, gateway);
  const peer = await connectRaw(Number(new URL(gateway.url).port));
  peer.send('GET /x HTTP/1.1\r\nHost: gw\r\n\r\n');
  await peer.until('"path":"/x"');
  return peer;
}

it("the gateway keeps a client's connection for as long as keepAliveTimeout says, and then ends it", async () => {
  const peer = await restingClient('200ms');
  expect((await peer.ended).toString()).toContain('HTTP/1.1 200 OK');
});

it('the gateway states its keep-alive time, so that a load balancer can be set to a shorter one', async () => {
  const peer = await restingClient('1h');
  peer.clear();
  peer.send('GET /x HTTP/1.1\r\nHost: gw\r\n\r\n');
  expect(parseRaw(Buffer.from(await peer.until('"path":"/x"'))).all('keep-alive')).toEqual(['timeout=3600']);
  peer.socket.destroy();
});
