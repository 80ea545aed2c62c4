import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PassId } from '../../src/domain/pass.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { NOW } from '../contract/ledger-scene.ts';
import { ADMIN_TOKEN, acting, adminWithToken, askAdmin, asOwner, putPayment } from '../support/admin.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const CONFIG = `
upstream: http://127.0.0.1:9
store: memory
routes:
  - { path: /a, price: free }
`;
const VIEWS = [
  '/api/status',
  '/api/revenue',
  '/api/summary',
  '/api/funnel',
  '/api/payments',
  '/api/payment?key=x',
  '/api/doubt',
  '/api/passes',
  '/api/routes',
  '/api/configuration',
  '/api/facilitators',
];
const ACTIONS = ['/api/passes/revoke', '/api/payments/resolve', '/api/reload'];

let store: PaymentStore;
let guarded: TestGateway;
let open: TestGateway;
let passId: PassId;

beforeAll(async () => {
  store = openMemoryLedger(() => NOW);
  const paymentKey = await putPayment(store, { name: 'one' }, 'settling', 'delivered');
  const sale = {
    paymentKey: paymentKey as never,
    scope: 'route:a',
    holder: { family: 'eip155', payer: '0x01' },
    opens: ['f'],
    version: 'v',
    forMs: 60_000,
    requests: 5,
  } as const;
  passId = (await store.passes.grant(sale, NOW)).id;
  guarded = await startTestGateway(`${adminWithToken()}${CONFIG}`, { store, clock: () => NOW });
  open = await startTestGateway(CONFIG, { clock: () => NOW });
});

afterAll(async () => {
  await guarded.close();
  await open.close();
});

function codeOf({ text }: { readonly text: string }): string {
  return JSON.parse(text).code;
}

async function isRevoked(): Promise<boolean> {
  return (await store.passes.findPass(passId))?.revokedAt !== undefined;
}

describe('a stranger at the admin API', () => {
  it.each([...VIEWS, '/api', '/api/', '/api/nothing'])('sees nothing at %s without the token', async (path) => {
    const headers = [
      {},
      { Authorization: 'Bearer ' },
      { Authorization: `Bearer ${ADMIN_TOKEN.slice(0, -1)}` },
      { Authorization: `Bearer ${ADMIN_TOKEN}x` },
      { Authorization: `Basic ${Buffer.from(`a:${ADMIN_TOKEN}`).toString('base64')}` },
      { Cookie: `token=${ADMIN_TOKEN}; turnpike_admin=${ADMIN_TOKEN}` },
      { 'X-Admin-Token': ADMIN_TOKEN },
    ];
    for (const given of headers) {
      const answer = await askAdmin(guarded.adminUrl, path, { headers: given });
      expect([answer.status, codeOf(answer)], JSON.stringify(given)).toEqual([401, 'token_required']);
    }
    const query = await askAdmin(guarded.adminUrl, `${path}${path.includes('?') ? '&' : '?'}token=${ADMIN_TOKEN}`);
    expect(query.status).toBe(401);
  });

  it.each(ACTIONS)('changes nothing by %s, with no token or a wrong one', async (path) => {
    for (const token of [undefined, `${ADMIN_TOKEN}x`]) {
      const more = token === undefined ? { Authorization: '' } : { Authorization: `Bearer ${token}` };
      const answer = await askAdmin(guarded.adminUrl, path, acting({ id: passId, key: 'k', note: 'n' }, more));
      expect(answer.status).toBe(401);
    }
    expect(await isRevoked()).toBe(false);
  });

  it.each(ACTIONS)('changes nothing by %s where no token is configured, not even from this machine', async (path) => {
    const answer = await askAdmin(open.adminUrl, path, acting({ id: passId, key: 'k', note: 'n' }));
    expect([answer.status, codeOf(answer)]).toEqual([403, 'actions_need_token']);
  });
});

describe('another site in the browser of the owner (CSRF)', () => {
  const foreign: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['says that it is another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['is another port of the same host', { 'Sec-Fetch-Site': 'same-site' }],
    ['is an old browser with a foreign Origin', { 'Sec-Fetch-Site': '', Origin: 'https://evil.example' }],
    ['has an opaque origin', { 'Sec-Fetch-Site': '', Origin: 'null' }],
    ['is a link that somebody typed', { 'Sec-Fetch-Site': 'none' }],
  ];

  it.each(foreign)('changes nothing, even with the token: %s', async (_, headers) => {
    const answer = await askAdmin(guarded.adminUrl, '/api/passes/revoke', acting({ id: passId }, headers));
    expect([answer.status, codeOf(answer)]).toEqual([403, 'cross_site']);
    expect(await isRevoked()).toBe(false);
  });

  it.each([
    'application/x-www-form-urlencoded',
    'text/plain',
    'multipart/form-data',
    'application/jsonx',
  ])('cannot send a form of type %s', async (type) => {
    const answer = await askAdmin(
      guarded.adminUrl,
      '/api/passes/revoke',
      acting({ id: passId }, { 'Content-Type': type }),
    );
    expect([answer.status, codeOf(answer)]).toEqual([415, 'json_required']);
    expect(await isRevoked()).toBe(false);
  });

  it('cannot act with any method except POST', async () => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const { headers = {} } = acting({});
      const answer = await askAdmin(guarded.adminUrl, `/api/passes/revoke?id=${passId}`, { method, headers });
      expect(answer.status, method).toBe(405);
    }
    expect(await isRevoked()).toBe(false);
  });

  it('cannot read anything where no token is needed, and gets no CORS header', async () => {
    const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' };
    const answer = await askAdmin(open.adminUrl, '/api/payments', { headers });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    const preflight = await askAdmin(open.adminUrl, '/api/payments', { method: 'OPTIONS', headers });
    expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('a host name that leads to the admin listener (DNS rebinding)', () => {
  it.each([
    'evil.example',
    'evil.example:9402',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'a@127.0.0.1',
  ])('is refused as %j, with or without the token', async (host) => {
    for (const path of [...VIEWS, '/', '/metrics', '/readyz']) {
      const answer = await askAdmin(guarded.adminUrl, path, { headers: asOwner({ Host: host }) });
      expect([400, 421], `${path} ${answer.status}`).toContain(answer.status);
    }
  });

  it('is served where the configuration lists it', async () => {
    const admin = `admin: {listen: 127.0.0.1:0, token: ${ADMIN_TOKEN}, hosts: [admin.example.com]}\n`;
    const gateway = await startTestGateway(`${admin}${CONFIG}`);
    const answer = await askAdmin(gateway.adminUrl, '/api/status', { headers: asOwner({ Host: 'admin.example.com' }) });
    await gateway.close();
    expect(answer.status).toBe(200);
  });
});

describe('the admin API', () => {
  it.each([
    '//api/status',
    '/api//status',
    '/API/status',
    '/api/%73tatus',
    '/api/./status',
    '/api/../api/status',
    '/x/../api/status',
    '/api/status/',
    '/api/status;x',
    '/api\\status',
    '/%61pi/status',
    '/api/status%00',
    '/livez/../api/status',
    'http://127.0.0.1/api/status',
  ])('does not answer at a path that can be read in two ways: %s', async (path) => {
    const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 40[04] /);
  });

  it('is not served by the public listener', async () => {
    for (const path of ['/api/status', '/api/payments', '/metrics', '/readyz']) {
      expect((await askAdmin(guarded.url, path, { headers: asOwner() })).status, path).toBe(404);
    }
  });

  it('refuses a token in a header that comes twice', async () => {
    const wrong = 'Authorization: Bearer wrong\r\n';
    const right = `Authorization: Bearer ${ADMIN_TOKEN}\r\n`;
    expect(await raw(`GET /api/status HTTP/1.1\r\nHost: localhost\r\n${wrong}${right}`)).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe('the API behind the admin page', () => {
  it('answers with data that no browser runs, frames, stores or guesses the type of', async () => {
    for (const path of VIEWS) {
      const { headers } = await askAdmin(guarded.adminUrl, path, { headers: asOwner() });
      expect(headers, path).toMatchObject({
        'content-type': 'application/json',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
      });
      expect(headers['set-cookie']).toBeUndefined();
    }
  });

  it('never shows the token, in its answers or in the log', async () => {
    const texts = await Promise.all(
      VIEWS.map(async (path) => (await askAdmin(guarded.adminUrl, path, { headers: asOwner() })).text),
    );
    await askAdmin(guarded.adminUrl, '/api/reload', acting({}));
    expect(`${texts.join()}${JSON.stringify(guarded.log)}`).not.toContain(ADMIN_TOKEN);
  });

  it('refuses a body that is no JSON object, or is too large', async () => {
    for (const body of ['', '[]', '"x"', '{', 'null']) {
      const answer = await askAdmin(guarded.adminUrl, '/api/explain', { ...acting({}), body });
      expect([answer.status, codeOf(answer)], body).toEqual([400, 'bad_request']);
    }
    const answer = await raw(
      `POST /api/explain HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n`,
      'a'.repeat(300_000),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('is off when the page is off, and the probes stay on', async () => {
    const gateway = await startTestGateway(`admin: {listen: 127.0.0.1:0, page: off, token: ${ADMIN_TOKEN}}\n${CONFIG}`);
    const statuses = await Promise.all(
      ['/', '/api/status', '/livez', '/metrics'].map(async (path) => {
        return (await askAdmin(gateway.adminUrl, path, { headers: asOwner() })).status;
      }),
    );
    await gateway.close();
    expect(statuses).toEqual([404, 404, 200, 200]);
  });
});

/** Sends bytes, and returns what comes back until the connection ends. */
async function raw(head: string, body = ''): Promise<string> {
  const { port } = new URL(guarded.adminUrl ?? '');
  return await new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(`${head}Connection: close\r\n\r\n${body}`));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.once('error', (fault) => (text === '' ? reject(fault) : resolve(text)));
    socket.once('close', () => resolve(text));
  });
}
