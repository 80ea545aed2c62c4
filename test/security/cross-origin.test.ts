import { generatePrivateKey } from 'viem/accounts';
import { afterEach, describe, expect, it } from 'vitest';
import type { RawResponse } from '../support/raw-http.ts';
import { lastRequest, laySiege, paying, type Siege, statusOf } from './siege.ts';

/** What pages of other origins may send and read. */

let siege: Siege;
afterEach(() => siege.close());

const ROUTES = `
routes:
  - { path: /paid, methods: [POST], price: $0.001 }
`;
const PAGE = 'https://page.example';

function preflight(
  headers = 'content-type, payment-signature, x-own',
  more: readonly string[] = [],
): Promise<RawResponse> {
  const asked = ['Access-Control-Request-Method: POST', `Access-Control-Request-Headers: ${headers}`];
  return siege.ask(lastRequest('OPTIONS /paid', [`Origin: ${PAGE}`, ...asked, ...more]));
}

function names(answer: RawResponse, header: string): string[] {
  return answer.all(header).flatMap((value) => value.toLowerCase().split(/,\s*/));
}

describe('cors: gateway', () => {
  it('answers a preflight without the API, and lets every origin pay, without cookies', async () => {
    siege = await laySiege(ROUTES);
    const answer = await preflight();
    expect(statusOf(answer)).toBe(204);
    expect(answer.all('access-control-allow-origin')).toEqual(['*']);
    expect(answer.all('access-control-allow-credentials')).toEqual([]);
    expect(names(answer, 'access-control-allow-headers')).toEqual(
      expect.arrayContaining(['payment-signature', 'x-own']),
    );
    expect(siege.seen).toEqual([]);
  });

  it.each([
    ['QUERY', true],
    ['QUERY, PATCH', false],
  ])('lets a page ask by the method that it names, if it is one: %s', async (method, isOne) => {
    siege = await laySiege('routes: [{ path: /paid, price: $0.001 }]\n');
    const asked = [`Origin: ${PAGE}`, `Access-Control-Request-Method: ${method}`];
    const allowed = names(await siege.ask(lastRequest('OPTIONS /paid', asked)), 'access-control-allow-methods');
    expect(allowed).toEqual(expect.arrayContaining(['get', 'delete']));
    expect(allowed.includes('query')).toBe(isOne);
  });

  it('lets every page read prices and passes, and no page use cookies', async () => {
    siege = await laySiege(ROUTES);
    const answer = await siege.ask(lastRequest('POST /paid', [`Origin: ${PAGE}`]));
    expect(statusOf(answer)).toBe(402);
    expect(answer.all('access-control-allow-origin')).toEqual(['*']);
    expect(answer.all('access-control-allow-credentials')).toEqual([]);
    expect(names(answer, 'access-control-expose-headers')).toEqual(
      expect.arrayContaining(['payment-required', 'payment-response', 'x402-access-token', 'x402-access-remaining']),
    );
  });
});

describe('cors: gateway, and an answer of the API', () => {
  const pay = async (more: readonly string[] = [`Origin: ${PAGE}`]): Promise<RawResponse> => {
    const header = paying(await siege.sign('/paid', { method: 'POST' }));
    return await siege.ask(lastRequest('POST /paid', [...more, header, 'Content-Length: 0']));
  };

  it('can be read by the page that paid for it, with its receipt, where the API knows nothing of CORS', async () => {
    siege = await laySiege(ROUTES);
    siege.answer((_req, res) => res.writeHead(200, { Vary: 'Accept' }).end('served'));
    const answer = await pay();
    expect(statusOf(answer)).toBe(200);
    expect(answer.all('access-control-allow-origin')).toEqual(['*']);
    expect(answer.all('access-control-allow-credentials')).toEqual([]);
    expect(names(answer, 'access-control-expose-headers')).toContain('payment-response');
    expect(names(answer, 'vary')).toEqual(expect.arrayContaining(['accept', 'origin']));
  });

  it('can be read where it was kept, and is collected', async () => {
    siege = await laySiege(
      'keepAnswers: { size: 1MB }\nroutes:\n  - { path: /paid, price: $0.001, paymentIdentifier: optional }\n',
    );
    siege.answer((_req, res) => res.writeHead(200).end('served'));
    const key = generatePrivateKey();
    const buy = async (): Promise<RawResponse> => {
      const extensions = { 'payment-identifier': { info: { required: false, id: 'one-purchase-of-a-page' } } };
      const header = paying({ ...(await siege.sign('/paid', { key })), extensions });
      return await siege.ask(lastRequest('GET /paid', [`Origin: ${PAGE}`, header]));
    };
    const [bought, collected] = [await buy(), await buy()];
    expect([statusOf(bought), statusOf(collected)]).toEqual([200, 200]);
    expect(siege.seen).toHaveLength(1);
    expect(collected.all('access-control-allow-origin')).toEqual(['*']);
    expect(names(collected, 'access-control-expose-headers')).toContain('payment-response');
  });

  it('can be read where it says that the call failed, and the payment is good again', async () => {
    siege = await laySiege(ROUTES);
    siege.answer((_req, res) => res.writeHead(500).end('broken'));
    const answer = await pay();
    expect(statusOf(answer)).toBe(500);
    expect(answer.all('access-control-allow-origin')).toEqual(['*']);
  });

  it('can be read where it was free, with what is left of the free requests', async () => {
    siege = await laySiege('\nroutes:\n  - { path: /paid, price: $0.001, free: { requests: 1, per: day } }\n');
    siege.answer((_req, res) => res.writeHead(200).end('served'));
    const asked = (): Promise<RawResponse> => siege.ask(lastRequest('GET /paid', [`Origin: ${PAGE}`]));
    const [free, sold] = [await asked(), await asked()];
    expect([statusOf(free), statusOf(sold)]).toEqual([200, 402]);
    expect(free.all('access-control-allow-origin')).toEqual(['*']);
    for (const answer of [free, sold]) {
      expect(names(answer, 'access-control-expose-headers')).toEqual(
        expect.arrayContaining(['ratelimit', 'ratelimit-policy']),
      );
    }
    expect(names(sold, 'access-control-expose-headers')).toContain('link');
  });

  it.each<[string, Record<string, string>]>([
    ['it names another origin', { 'Access-Control-Allow-Origin': 'https://shop.example' }],
    ['it chooses by origin, and names none', { Vary: 'Accept-Encoding, Origin' }],
    ['it says something of CORS, but no origin', { 'Access-Control-Allow-Credentials': 'true' }],
  ])('is as open as the API says where %s', async (_, headers) => {
    siege = await laySiege(ROUTES);
    siege.answer((_req, res) => res.writeHead(200, headers).end('served'));
    const answer = await pay();
    expect(statusOf(answer)).toBe(200);
    const own = headers['Access-Control-Allow-Origin'];
    expect(answer.all('access-control-allow-origin')).toEqual(own === undefined ? [] : [own]);
  });

  it('is as it was where no page asks, where the route is free, and with `cors: api`', async () => {
    siege = await laySiege(`${ROUTES}  - { path: /free, price: free }\n`);
    siege.answer((_req, res) => res.writeHead(200).end('served'));
    expect((await pay([])).all('access-control-allow-origin')).toEqual([]);
    const free = await siege.ask(lastRequest('GET /free', [`Origin: ${PAGE}`]));
    expect(free.all('access-control-allow-origin')).toEqual([]);
    await siege.close();
    siege = await laySiege(`cors: api${ROUTES}`);
    siege.answer((_req, res) => res.writeHead(200).end('served'));
    expect((await pay()).all('access-control-allow-origin')).toEqual([]);
  });
});

describe('cors: gateway, and a server of MCP', () => {
  const ask = (params: object): Promise<RawResponse> => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    const headers = [`Origin: ${PAGE}`, 'Content-Type: application/json', `Content-Length: ${body.length}`];
    return siege.ask(lastRequest('POST /mcp', headers, body));
  };

  it.each([
    ['the price of a tool', { name: 'search' }],
    ['that a tool is not for sale', { name: 'other' }],
    ['that tasks are refused', { name: 'search', task: {} }],
  ])('tells every page %s', async (_, params) => {
    siege = await laySiege('\nroutes:\n  - { path: /mcp, mcp: { tools: { search: $0.001 }, otherwise: refuse } }\n');
    const answer = await ask(params);
    expect(answer.all('access-control-allow-origin')).toEqual(['*']);
    expect(answer.all('cache-control')).toEqual(['no-store']);
    expect(answer.all('x-request-id')).toHaveLength(1);
    expect(siege.seen).toEqual([]);
  });
});

describe('cors: api', () => {
  it("relays the API's own answer to a preflight, and allows the payment headers as well", async () => {
    siege = await laySiege(`cors: api${ROUTES}`);
    siege.answer((_req, res) => {
      const own = { 'Access-Control-Allow-Origin': PAGE, 'Access-Control-Allow-Credentials': 'true' };
      res.writeHead(204, { ...own, 'Access-Control-Allow-Headers': 'content-type, x-own' }).end();
    });
    const answer = await preflight('content-type, payment-signature, x-own', ['PAYMENT-SIGNATURE: never-sent']);
    expect(statusOf(answer)).toBe(204);
    expect(answer.all('access-control-allow-origin')).toEqual([PAGE]);
    expect(answer.all('access-control-allow-credentials')).toEqual(['true']);
    expect(names(answer, 'access-control-allow-headers')).toEqual(
      expect.arrayContaining(['content-type', 'x-own', 'payment-signature', 'x-payment', 'x402-access-token']),
    );
    const [seen] = siege.seen;
    expect(seen?.method).toBe('OPTIONS');
    const sent = seen?.rawHeaders.join('\n').toLowerCase();
    expect(sent).toContain('content-type, x-own');
    expect(sent).not.toContain('payment-signature');
  });

  it('gives nothing away where the API does not look at the method', async () => {
    siege = await laySiege(`cors: api${ROUTES}`);
    siege.answer((_req, res) => {
      res.writeHead(200, { 'Access-Control-Allow-Origin': PAGE, 'Content-Type': 'text/plain', ETag: '"1"' });
      res.write('what is ');
      res.end('sold');
    });
    const answer = await preflight();
    expect([statusOf(answer), answer.body.toString()]).toEqual([200, '']);
    expect(answer.all('content-length')).toEqual(['0']);
    expect(answer.all('access-control-allow-origin')).toEqual([PAGE]);
  });

  it('allows nothing where the API allows nothing', async () => {
    siege = await laySiege(`cors: api${ROUTES}`);
    siege.answer((_req, res) => res.writeHead(403).end('not for you'));
    const answer = await preflight();
    expect(statusOf(answer)).toBe(403);
    expect(answer.headers.filter(([name]) => name.toLowerCase().startsWith('access-control-'))).toEqual([]);
  });

  it('lets nothing but a preflight reach the API unpaid', async () => {
    siege = await laySiege(`cors: api${ROUTES}`);
    const asked = 'Access-Control-Request-Method: POST';
    for (const request of [
      lastRequest('OPTIONS /paid', [`Origin: ${PAGE}`, asked, 'Content-Length: 4'], 'work'),
      lastRequest('POST /paid', [`Origin: ${PAGE}`, asked]),
      lastRequest('OPTIONS /paid', [asked]),
      lastRequest('OPTIONS /paid', [`Origin: ${PAGE}`]),
    ]) {
      await siege.ask(request);
    }
    expect(siege.seen).toEqual([]);
  });

  it('names the origin of the page in the answers of the gateway, which vary by Origin', async () => {
    siege = await laySiege(`cors: api${ROUTES}`);
    const unpaid = await siege.ask(lastRequest('POST /paid', [`Origin: ${PAGE}`]));
    expect(statusOf(unpaid)).toBe(402);
    expect(unpaid.all('access-control-allow-origin')).toEqual([PAGE]);
    expect(unpaid.all('access-control-allow-credentials')).toEqual(['true']);
    expect(unpaid.all('vary')).toEqual(['Origin']);
  });

  it.each([
    'null',
    'https://a.example, https://b.example',
    'https://a.example/x',
    'nonsense',
  ])('gives no credentials to the origin %j', async (origin) => {
    siege = await laySiege(`cors: api${ROUTES}`);
    const answer = await siege.ask(lastRequest('POST /paid', [`Origin: ${origin}`]));
    expect(answer.all('access-control-allow-origin')).toEqual(['*']);
    expect(answer.all('access-control-allow-credentials')).toEqual([]);
  });

  it('lets the page read the receipt of a paid answer that the API lets it read', async () => {
    siege = await laySiege(`cors: api${ROUTES}`);
    siege.answer((_req, res) => res.writeHead(200, { 'Access-Control-Allow-Origin': PAGE }).end('served'));
    const header = paying(await siege.sign('/paid', { method: 'POST' }));
    const answer = await siege.ask(lastRequest('POST /paid', [`Origin: ${PAGE}`, header, 'Content-Length: 0']));
    expect(statusOf(answer)).toBe(200);
    expect(names(answer, 'access-control-expose-headers')).toContain('payment-response');
  });
});
