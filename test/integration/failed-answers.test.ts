import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signFor, stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openAddress } from '../support/navigation.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** Calls that failed with a 200, at a real JSON-RPC node and at an API that answers as it is told. */

let devnet: Devnet;
let upstream: TestUpstream;
let buyer: Payer;
let gateway: TestGateway;
let answer: (req: IncomingMessage, res: ServerResponse) => void;

beforeAll(async () => {
  const served = (req: IncomingMessage, res: ServerResponse) => {
    req.resume();
    answer(req, res);
  };
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream(served)]);
  gateway = await startTestGateway(`${settings(devnet, upstream.url)}
routes:
  - path: /rpc
    upstream: ${devnet.rpcUrl}
    rewrite: { from: /rpc, to: / }
    charge: { unlessJson: { /error: present } }
    prices:
      - { when: { jsonrpc: "eth_*" }, price: $0.001 }
  - path: /graphql
    price: $0.001
    charge: { unlessJson: { /errors: present, /data: absent } }
  - path: /pass
    price: $0.001
    access: { requests: 2 }
    charge: { unlessJson: { /error: present } }
`);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

beforeEach(async () => {
  buyer = await freshPayer(devnet);
});

const says =
  (body: string | Buffer, headers: Record<string, string> = {}) =>
  (_: IncomingMessage, res: ServerResponse): void => {
    res.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(body);
  };

const spent = async (): Promise<bigint> => buyerStart - (await devnet.usdcBalanceOf(buyer.address));
let buyerStart: bigint;
beforeEach(async () => {
  buyerStart = await devnet.usdcBalanceOf(buyer.address);
});

function calls(...methods: readonly string[]): string {
  const list = methods.map((method, id) => ({ jsonrpc: '2.0', id, method, params: [] }));
  return JSON.stringify(list.length === 1 ? list[0] : list);
}

async function buy(path: string, init: RequestInit = {}): Promise<Response> {
  const url = gateway.url + path;
  const headers = new Headers(init.headers);
  headers.set('PAYMENT-SIGNATURE', await signFor(devnet, buyer, url, init));
  return await fetch(url, { ...init, headers });
}

const post = (body: string): RequestInit => ({ method: 'POST', body, headers: { 'Content-Type': 'application/json' } });

describe('a JSON-RPC call that the node refuses', () => {
  it('costs nothing, and is relayed without a receipt', async () => {
    const refused = await buy('/rpc', post(calls('eth_nothing')));
    expect([refused.status, refused.headers.get('payment-response')]).toEqual([200, null]);
    expect(await refused.json()).toMatchObject({ error: { code: -32601 } });
    expect(await spent()).toBe(0n);
  });

  it('costs nothing in a batch where all others fail as well', async () => {
    const refused = await buy('/rpc', post(calls('eth_nothing', 'eth_never')));
    expect(await refused.json()).toMatchObject([{ error: {} }, { error: {} }]);
    expect(await spent()).toBe(0n);
  });

  it('is charged with its batch when another call of the batch is answered', async () => {
    const paid = await stockFetch(buyer.key)(`${gateway.url}/rpc`, post(calls('eth_nothing', 'eth_chainId')));
    expect(await paid.json()).toMatchObject([{ error: {} }, { result: expect.any(String) }]);
    expect(await spent()).toBe(2000n);
  });
});

describe('a batch whose answer is shorter than it', () => {
  it('is charged, because a call without an id ran unanswered', async () => {
    answer = says('[{"id":2,"errors":[{}],"data":null}]');
    const paid = await buy('/graphql', post('[{"method":"send"},{"method":"bad","id":2}]'));
    expect(paid.headers.get('payment-response')).not.toBeNull();
    expect(await spent()).toBe(1000n);
  });

  it('costs nothing where each call has a failed answer, also on a route that does not read its price in the body', async () => {
    answer = says('[{"errors":[{}],"data":null},{"errors":[{}]}]');
    expect((await buy('/graphql', post('[{"id":1},{"id":2}]'))).headers.get('payment-response')).toBeNull();
    expect(await spent()).toBe(0n);
  });

  it('is charged where the body is too long to be read', async () => {
    answer = says('[{"errors":[{}],"data":null}]');
    await buy('/graphql', post(`["${'x'.repeat(300_000)}"]`));
    expect(await spent()).toBe(1000n);
  });
});

describe('a call that the node answers', () => {
  it('is charged', async () => {
    const paid = await stockFetch(buyer.key)(`${gateway.url}/rpc`, post(calls('eth_chainId')));
    expect(await paid.json()).toMatchObject({ result: expect.any(String) });
    expect(paid.headers.get('payment-response')).not.toBeNull();
    expect(await spent()).toBe(1000n);
  });
});

describe('a GraphQL answer', () => {
  it('without data costs nothing, and the same payment is good for the call that works', async () => {
    const init = post('{"query":"{ a }"}');
    const url = `${gateway.url}/graphql`;
    const headers = { ...init.headers, 'PAYMENT-SIGNATURE': await signFor(devnet, buyer, url, init) };
    answer = says('{"errors":[{"message":"no"}],"data":null}');
    expect((await fetch(url, { ...init, headers })).headers.get('payment-response')).toBeNull();
    expect(await spent()).toBe(0n);
    answer = says('{"errors":[{"message":"no"}],"data":{"a":1}}');
    const paid = await fetch(url, { ...init, headers });
    expect(await paid.text()).toContain('"a":1');
    expect(await spent()).toBe(1000n);
    expect((await fetch(url, { ...init, headers })).status).toBe(409);
  });

  it('above the size that is read is charged, and delivered whole', async () => {
    const body = JSON.stringify({ errors: [], data: null, more: 'x'.repeat(1_100_000) });
    answer = says(body);
    expect(await (await buy('/graphql')).text()).toBe(body);
    expect(await spent()).toBe(1000n);
  });

  it('that is compressed although plain bytes were asked for is charged, and comes as it is', async () => {
    let accepted: string | undefined;
    answer = (req, res) => {
      accepted = req.headers['accept-encoding'];
      says(gzipSync('{"errors":[]}'), { 'Content-Encoding': 'gzip' })(req, res);
    };
    expect(await (await buy('/graphql')).text()).toBe('{"errors":[]}');
    expect([accepted, await spent()]).toEqual(['identity', 1000n]);
  });

  it('that streams is charged before its first byte, and is not held back', async () => {
    const last = Promise.withResolvers<() => void>();
    answer = (_, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: {"errors":[]}\n\n');
      last.resolve(() => res.end());
    };
    const paid = await buy('/graphql');
    const reader = paid.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toContain('errors');
    expect(await spent()).toBe(1000n);
    (await last.promise)();
    expect((await reader?.read())?.done).toBe(true);
  });

  it('that breaks off costs nothing', async () => {
    answer = (_, res) => {
      res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '100' }).write('{"errors"');
      setImmediate(() => res.destroy());
    };
    expect((await buy('/graphql')).status).toBe(502);
    expect(await spent()).toBe(0n);
  });

  it('for the payment page costs nothing when it failed, and can be opened later when it did not', async () => {
    const later = { headers: { 'X402-Answer': 'later' } };
    answer = says('{"errors":[]}');
    const failed = await buy('/graphql', later);
    expect([failed.status, await failed.text(), await spent()]).toEqual([200, '{"errors":[]}', 0n]);
    expect(failed.headers.get('x402-answer')).toBe('uncharged');
    answer = says('{"data":{}}');
    const kept = await buy('/graphql', later);
    expect([kept.status, await spent()]).toEqual([204, 1000n]);
    const cookie = kept.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    expect(await (await openAddress(`${gateway.url}/graphql`, { Cookie: cookie })).text()).toBe('{"data":{}}');
    expect(await spent()).toBe(1000n);
  });
});

describe('a pass', () => {
  it('is not sold with a call that failed', async () => {
    answer = says('{"error":"no"}');
    const failed = await buy('/pass');
    expect([failed.status, failed.headers.get('x402-access-token')]).toEqual([200, null]);
    answer = says('{"ok":1}');
    expect((await buy('/pass')).headers.get('x402-access-token')).toMatch(/^tpk_/);
  });
});
