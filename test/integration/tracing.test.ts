import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { connectRaw } from '../support/raw-http.ts';
import { refusingUrl } from '../support/scripted-facilitator.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const SECRET = 'Bearer of-the-collector';

let devnet: Devnet;
let upstream: TestUpstream;
let receiver: OtlpReceiver;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, upstream, receiver] = await Promise.all([
    startDevnet(),
    startUpstream((req, res) => {
      res.statusCode = req.url === '/weather/nowhere' ? 404 : 200;
      res.end('{}');
    }),
    startOtlpReceiver(),
  ]);
  gateway = await startTestGateway(`${settings(devnet, upstream.url)}
tracing: { endpoint: "${receiver.url}", headers: { Authorization: ${SECRET} }, serviceName: tollgate }
routes:
  - { path: /free/*, price: free, name: free }
  - { path: /dead, price: free, name: dead, upstream: "${await refusingUrl()}" }
  - { path: /weather/:city, price: $0.001, name: weather }
  - { path: /reports/*, price: $0.001, name: reports, access: { for: 1h, requests: 9 } }
  - { path: /shadow, price: $0.001, name: shadow, enforce: 0% }
  - { path: /jobs/:id, price: $0.001, name: jobs, settle: before }
`);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close(), receiver.close()]);
});

/** Asks under a trace of its own, as a client that traces does. */
async function ask(path: string, headers: Record<string, string> = {}) {
  const id = randomBytes(16).toString('hex');
  const parent = randomBytes(8).toString('hex');
  const traceparent = `00-${id}-${parent}-01`;
  const response = await fetch(gateway.url + path, { headers: { traceparent, ...headers } });
  await response.arrayBuffer();
  const spans = await receiver.trace(id);
  return { id, parent, status: response.status, spans, root: spanNamed(spans, 'server') };
}

function spanNamed(spans: readonly ReceivedSpan[], nameOrServer: string): ReceivedSpan {
  const found = spans.filter(({ name, kind }) =>
    nameOrServer === 'server' ? kind === 'server' : name === nameOrServer,
  );
  expect(found, nameOrServer).toHaveLength(1);
  return found[0] as ReceivedSpan;
}

/** `name(child child(grandchild))`, in the order in which the spans began. */
function treeOf(spans: readonly ReceivedSpan[], parent: ReceivedSpan): string {
  const children = spans.filter(({ parentSpanId }) => parentSpanId === parent.spanId);
  const shown = children.sort((a, b) => Number(a.startedAt - b.startedAt)).map((child) => treeOf(spans, child));
  return shown.length === 0 ? parent.name : `${parent.name}(${shown.join(' ')})`;
}

function headerSeen(name: string): string | undefined {
  const { rawHeaders } = upstream.seen.at(-1) ?? { rawHeaders: [] };
  const at = rawHeaders.findIndex((candidate, index) => index % 2 === 0 && candidate.toLowerCase() === name);
  return at === -1 ? undefined : rawHeaders[at + 1];
}

async function pay(path: string): Promise<string> {
  return await signFor(devnet, await freshPayer(devnet), gateway.url + path);
}

describe('the trace of a request', () => {
  it('has a server span with the stages of a free call below it, and goes on to the upstream', async () => {
    const { id, parent, spans, root } = await ask('/free/a?secret=1');
    expect(treeOf(spans, root)).toBe('GET /free/*(accept upstream relay)');
    expect(root.parentSpanId).toBe(parent);
    expect(root.failed).toBe(false);
    expect(root.attributes).toEqual({
      'http.request.method': 'GET',
      'url.path': '/free/a',
      'url.scheme': 'http',
      'http.route': 'free',
      'http.response.status_code': 200,
      'turnpike.outcome': 'free',
      'turnpike.request_id': headerSeen('x-request-id'),
    });
    const call = spanNamed(spans, 'upstream');
    expect(call.kind).toBe('client');
    expect(call.attributes).toEqual({ 'http.response.status_code': 200 });
    expect(headerSeen('traceparent')).toBe(`00-${id}-${call.spanId}-01`);
    expect(gateway.log.find(({ traceId }) => traceId === id)).toMatchObject({ msg: 'request', route: 'free' });
  });

  it('keeps every span within the one that it is part of, and stages one after another', async () => {
    const { spans, root } = await ask('/free/a');
    const stages = ['accept', 'upstream', 'relay'].map((name) => spanNamed(spans, name));
    const moments = stages.flatMap(({ startedAt, endedAt }) => [startedAt, endedAt]);
    const inOrder = [root.startedAt, ...moments, root.endedAt];
    expect(inOrder).toEqual([...inOrder].sort((a, b) => Number(a - b)));
    expect(inOrder.some((moment) => moment % 1_000_000n !== 0n)).toBe(true);
  });

  it('names the process and the service, and brings the configured headers', async () => {
    const { root } = await ask('/free/a');
    expect(root.resource).toEqual({
      'service.name': 'tollgate',
      'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(receiver.exports[0]).toMatchObject({ path: '/v1/traces', headers: { authorization: SECRET } });
  });

  it('of a 402 ends with authorize, and is no failure', async () => {
    const { spans, root, status } = await ask('/weather/oslo');
    expect(status).toBe(402);
    expect(treeOf(spans, root)).toBe('GET /weather/:city(accept authorize)');
    expect(root.failed).toBe(false);
    expect(root.attributes).toMatchObject({ 'turnpike.outcome': 'refused', 'turnpike.code': 'payment_required' });
    expect(spanNamed(spans, 'authorize').attributes).toEqual({ 'turnpike.outcome': 'refusal' });
  });

  it('of a payment settled after shows verification, claim, upstream, settlement and relay', async () => {
    const { spans, root, status } = await ask('/weather/oslo', { 'PAYMENT-SIGNATURE': await pay('/weather/oslo') });
    expect(status).toBe(200);
    expect(treeOf(spans, root)).toBe('GET /weather/:city(accept authorize(verify) claim upstream settle relay)');
    expect(root.attributes).toMatchObject({
      'turnpike.outcome': 'paid',
      'turnpike.payer': expect.stringMatching(/^0x[0-9a-f]{40}$/),
    });
    const { network } = devnet;
    const facilitator = 'local';
    expect(spanNamed(spans, 'verify').attributes).toEqual({
      'turnpike.outcome': 'valid',
      'turnpike.facilitator': facilitator,
      'turnpike.network': network,
    });
    expect(spanNamed(spans, 'claim').attributes).toEqual({ 'turnpike.outcome': 'claimed' });
    expect(spanNamed(spans, 'settle').attributes).toEqual({
      'turnpike.outcome': 'settled',
      'turnpike.facilitator': facilitator,
      'turnpike.network': network,
      'turnpike.transaction': expect.stringMatching(/^0x[0-9a-f]{64}$/),
    });
  });

  it('of a payment settled before has the settlement ahead of the upstream', async () => {
    const { spans, root, status } = await ask('/jobs/1', { 'PAYMENT-SIGNATURE': await pay('/jobs/1') });
    expect(status).toBe(200);
    expect(treeOf(spans, root)).toBe('GET /jobs/:id(accept authorize(verify) claim settle upstream relay)');
  });

  it('of an uncharged call shows its status, and no settlement', async () => {
    const path = '/weather/nowhere';
    const { spans, root, status } = await ask(path, { 'PAYMENT-SIGNATURE': await pay(path) });
    expect(status).toBe(404);
    expect(treeOf(spans, root)).toBe('GET /weather/:city(accept authorize(verify) claim upstream relay)');
    expect(root.attributes['turnpike.outcome']).toBe('unpaid');
    expect(spanNamed(spans, 'upstream')).toMatchObject({ failed: true, attributes: { 'error.type': '404' } });
    expect(root.failed).toBe(false);
  });

  it('of a fault names the public code, in the stage and in the request', async () => {
    const { spans, root, status } = await ask('/dead');
    expect(status).toBe(502);
    expect(treeOf(spans, root)).toBe('GET /dead(accept upstream)');
    expect(spanNamed(spans, 'upstream')).toMatchObject({
      failed: true,
      attributes: { 'error.type': 'upstream_unreachable' },
    });
    expect(root).toMatchObject({
      failed: true,
      attributes: { 'error.type': 'upstream_unreachable', 'turnpike.code': 'upstream_unreachable' },
    });
  });

  it('ends the stage that refused the request with its code', async () => {
    const { spans, root, status } = await ask('/free/a;b');
    expect(status).toBe(400);
    expect(treeOf(spans, root)).toBe('GET(accept)');
    expect(root.attributes).not.toHaveProperty('url.path');
    expect(spanNamed(spans, 'accept')).toMatchObject({
      failed: true,
      attributes: { 'error.type': 'request_target_invalid' },
    });
  });

  it('of a pass shows that it was admitted, and not the token', async () => {
    const header = await pay('/reports/1');
    const bought = await fetch(`${gateway.url}/reports/1`, { headers: { 'PAYMENT-SIGNATURE': header } });
    const token = bought.headers.get('x402-access-token') ?? '';
    expect(token).not.toBe('');
    const { spans, root, status } = await ask('/reports/2', { 'X402-Access-Token': token });
    expect(status).toBe(200);
    expect(treeOf(spans, root)).toBe('GET /reports/*(accept admit upstream relay)');
    expect(spanNamed(spans, 'admit').attributes).toEqual({ 'turnpike.outcome': 'admitted' });
    expect(root.attributes).toMatchObject({ 'turnpike.outcome': 'pass', 'turnpike.pass': expect.any(String) });
    expect(receiver.exports.map(({ body }) => body).join()).not.toContain(token);
  });

  it('in shadow mode shows the payment check beside the call', async () => {
    const { spans, root, status } = await ask('/shadow', { 'PAYMENT-SIGNATURE': await pay('/weather/oslo') });
    expect(status).toBe(200);
    const below = spans.filter(({ parentSpanId }) => parentSpanId === root.spanId).map(({ name }) => name);
    expect(below.sort()).toEqual(['accept', 'authorize', 'relay', 'upstream']);
    expect(spans.every(({ failed }) => !failed)).toBe(true);
  });

  it('of a WebSocket has a tunnel in the place of upstream and relay', async () => {
    const id = randomBytes(16).toString('hex');
    const client = await connectRaw(Number(new URL(gateway.url).port));
    client.send(
      [
        'GET /free/socket HTTP/1.1',
        'Host: gw',
        `traceparent: 00-${id}-${'ab'.repeat(8)}-01`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
        '\r\n',
      ].join('\r\n'),
    );
    // This API knows no WebSockets.
    await client.until('HTTP/1.1 200');
    client.socket.destroy();
    const spans = await receiver.trace(id);
    expect(treeOf(spans, spanNamed(spans, 'server'))).toBe('GET /free/*(accept tunnel)');
    expect(spanNamed(spans, 'tunnel')).toMatchObject({
      kind: 'client',
      attributes: { 'http.response.status_code': 200 },
    });
    expect(headerSeen('traceparent')).toBe(`00-${id}-${spanNamed(spans, 'tunnel').spanId}-01`);
  });

  it('holds no payment, no query and no header', async () => {
    const header = await pay('/weather/oslo');
    const { id } = await ask('/weather/oslo?query=hidden', {
      'PAYMENT-SIGNATURE': header,
      Authorization: 'Bearer of-the-client',
      Cookie: 'session=of-the-client',
    });
    const sent = receiver.exports.map(({ body }) => body).join('\n');
    expect(sent).toContain(id);
    const { payload } = JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
    for (const secret of [header, payload.signature, payload.authorization.nonce, 'hidden', 'of-the-client', SECRET])
      expect(sent).not.toContain(secret);
  });
});
