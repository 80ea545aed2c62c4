import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lastRequest, laySiege, paying, type Siege, type Sight, statusOf } from './siege.ts';

/** A client cannot forge the headers of the gateway to the API, and the API does not see the payment headers. */

let siege: Siege;

beforeAll(async () => {
  siege = await laySiege(`
routes:
  - { path: /paid, price: $0.01, name: paid }
  - { path: /keyed/*, price: free, upstream: { url: UPSTREAM, headers: { X-Api-Key: real } } }
  - { path: /*, price: free }
`);
});
afterAll(async () => await siege.close());

/** Reads a header as CGI, WSGI, Rack and PHP do: all characters but letters and digits become the same one. */
function variable(sight: Sight | undefined, name: string): string[] {
  const wanted = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '_');
  const values: string[] = [];
  const raw = sight?.rawHeaders ?? [];
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]?.toLowerCase().replaceAll(/[^a-z0-9]/g, '_') === wanted) values.push(raw[i + 1] ?? '');
  }
  return values;
}

async function forwarded(headers: readonly string[], line = 'GET /free'): Promise<Sight | undefined> {
  expect(statusOf(await siege.ask(lastRequest(line, headers)))).toBe(200);
  return siege.seen.at(-1);
}

const OWN = ['X402-Payer', 'X402-Network', 'X402-Asset', 'X402-Amount', 'X402-Route', 'X402-Access-Token', 'X402-New'];
const SECRET = [
  'PAYMENT-REQUIRED',
  'PAYMENT-RESPONSE',
  'X-PAYMENT-RESPONSE',
  'SIGN-IN-WITH-X',
  'Settlement-Overrides',
  'PAYMENT-SETTLEMENT',
  'PAYMENT-CONTEXT',
];
const OVERRIDING = [
  'X-HTTP-Method-Override',
  'X-Method-Override',
  'X-HTTP-Method',
  'X-HTTP-Method-Override-URL',
  'X-Original-Method',
  'X-Original-URL',
  'X-Original-URI',
  'X-Envoy-Original-Path',
  'X-MS-Original-URL',
  'X-Rewrite-URL',
  'X-Override-URL',
  'X-Replaced-Path',
  'X-Request-URI',
  'X-Waws-Unencoded-Url',
  'X-Script-Name',
];
const ORIGIN = [
  'Forwarded',
  'X-Real-IP',
  'True-Client-IP',
  'CF-Connecting-IP',
  'X-Original-Host',
  'X-HTTP-Host-Override',
  'X-Forwarded-Path',
  'X-Forwarded-Prefix',
  'X-Forwarded-User',
];
const HOP = ['Keep-Alive', 'Proxy-Authorization', 'Proxy-Connection', 'Proxy', 'Upgrade', 'HTTP2-Settings'];

/** The same name to an API that reads headers as variables. */
function twins(name: string): string[] {
  return [name, name.toLowerCase(), name.replaceAll('-', '_'), name.replaceAll('-', '.'), name.replaceAll('-', '~')];
}

describe('a client that forges headers of the gateway', () => {
  it.each([...OWN, ...SECRET, ...OVERRIDING, ...ORIGIN, ...HOP])('cannot send %s, in any spelling', async (name) => {
    const sight = await forwarded(twins(name).map((twin) => `${twin}: forged`));
    expect(variable(sight, name)).toEqual([]);
  });

  it.each([
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'X-Request-Id',
  ])('is not believed about %s', async (name) => {
    const sight = await forwarded(twins(name).map((twin) => `${twin}: 6.6.6.6`));
    expect(variable(sight, name)).toHaveLength(1);
    expect(variable(sight, name).join()).not.toContain('6.6.6.6');
  });

  it('cannot remove headers of the gateway, or break the framing, by naming them in Connection', async () => {
    const added = ['X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Request-Id', 'X-Api-Key', 'Host'];
    const before = siege.seen.length;
    const headers = [`Connection: ${[...added, 'Content-Length'].join(', ')}`, 'Content-Length: 2'];
    expect(statusOf(await siege.ask(lastRequest('POST /keyed/x', headers, 'hi')))).toBe(200);
    const sight = siege.seen[before];
    for (const name of added) expect(variable(sight, name)).toHaveLength(1);
    expect(variable(sight, 'content-length')).toEqual(['2']);
    expect(sight?.body).toBe('hi');
  });

  it('cannot replace the credentials that the gateway brings to the API', async () => {
    const sight = await forwarded(
      twins('X-Api-Key').map((twin) => `${twin}: forged`),
      'GET /keyed/x',
    );
    expect(variable(sight, 'x-api-key')).toEqual(['real']);
  });
});

describe('a paid request', () => {
  it('tells the API who paid and how much, whatever headers the client sends, and nothing that could be used again', async () => {
    const payment = await siege.sign('/paid');
    const forged = OWN.flatMap(twins).map((name) => `${name}: forged`);
    const before = siege.seen.length;
    const response = await siege.ask(
      lastRequest('GET /paid', [paying(payment), ...forged, `Connection: ${OWN.join(', ')}`, 'payment_signature: x']),
    );
    expect(statusOf(response)).toBe(200);
    const sight = siege.seen[before];
    expect(variable(sight, 'x402-payer')).toEqual([payment.authorization['from']?.toLowerCase()]);
    expect(variable(sight, 'x402-amount')).toEqual(['10000']);
    expect(variable(sight, 'x402-route')).toEqual(['paid']);
    expect(variable(sight, 'payment-signature')).toEqual([]);
    expect(sight?.rawHeaders.join()).not.toContain(payment.signature.slice(2));
  });

  it('leaves nothing of the payment in the log', async () => {
    const payment = await siege.sign('/paid');
    const header = paying(payment).slice('PAYMENT-SIGNATURE: '.length);
    await siege.ask(
      lastRequest('GET /paid', [paying(payment), 'Authorization: Bearer tpk_secret', 'Cookie: a=secret']),
    );
    await siege.ask(lastRequest('GET /paid', [paying(`${header.slice(0, -8)}!`), 'X-PAYMENT: secret-v1-payment']));
    const log = JSON.stringify(siege.gateway.log);
    expect(log).toContain('"path":"/paid"');
    for (const secret of [payment.signature.slice(2), header.slice(0, 60), 'secret']) expect(log).not.toContain(secret);
  });
});
