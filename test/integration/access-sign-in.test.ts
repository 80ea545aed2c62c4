import { createSIWxPayload, wrapFetchWithSIWx } from '@x402/extensions/sign-in-with-x';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buyPass, callWith } from '../support/access.ts';
import { challengeOf, settlementOf } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { declaredAt, signInFor, signingInFetch } from '../support/sign-in.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let buyer: Payer;
let ahead = 0;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  gateway = await startTestGateway(
    `${settings(devnet, upstream.url)}
routes:
  - { path: /reports/*, price: $0.001, access: { for: 1h, requests: 3 } }
  - { path: /maps/*, price: $0.001, access: { requests: 3 } }
`,
    { clock: () => Date.now() + ahead },
  );
});

beforeEach(async () => {
  ahead = 0;
  buyer = await freshPayer(devnet);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

async function paidTo(): Promise<bigint> {
  return await devnet.usdcBalanceOf(devnet.accounts.payee.address);
}

async function sendSignIn(header: string, url: string): Promise<Response> {
  return await fetch(url, { headers: { 'SIGN-IN-WITH-X': header } });
}

async function expectRefusal(response: Response, reason: string): Promise<void> {
  expect(response.status).toBe(402);
  expect(challengeOf(response).error).toBe(reason);
  expect(challengeOf(response).accepts).toHaveLength(1);
  await response.arrayBuffer();
}

describe('the official client', () => {
  it('pays once, comes back by signing in, and pays again when the pass is used up', async () => {
    const before = await paidTo();
    const url = `${gateway.url}/reports/1`;
    const buy = signingInFetch(buyer);
    expect(settlementOf(await buy(url)).success).toBe(true);
    for (let call = 0; call < 3; call++) {
      const back = await buy(url);
      expect(back.status).toBe(200);
      expect(back.headers.get('payment-response')).toBeNull();
      expect(back.headers.get('x402-access-token')).toMatch(/^tpk_/);
      expect(back.headers.get('x402-access-remaining')).toBe(String(2 - call));
    }
    expect(await paidTo()).toBe(before + 1000n);
    expect(settlementOf(await buy(url)).success).toBe(true);
    expect(await paidTo()).toBe(before + 2000n);
  });

  it('pays with another account, which has no pass', async () => {
    const url = `${gateway.url}/reports/1`;
    await buyPass(devnet, buyer, url);
    const stranger = await freshPayer(devnet);
    const before = await paidTo();
    expect(settlementOf(await signingInFetch(stranger)(url)).success).toBe(true);
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('signs in through its fetch wrapper, too', async () => {
    const url = `${gateway.url}/maps/1`;
    await buyPass(devnet, buyer, url);
    const response = await wrapFetchWithSIWx(fetch, privateKeyToAccount(buyer.key))(url);
    expect(response.status).toBe(200);
    const token = response.headers.get('x402-access-token') ?? '';
    expect((await callWith(token, url)).status).toBe(200);
  });
});

describe('a sign-in', () => {
  const url = (): string => `${gateway.url}/reports/1`;

  beforeEach(async () => {
    await buyPass(devnet, buyer, url());
  });

  it('is accepted once, however many copies are sent', async () => {
    const header = await signInFor(buyer, url());
    const answers = await Promise.all(Array.from({ length: 10 }, () => sendSignIn(header, url())));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const again = await sendSignIn(header, url());
    await expectRefusal(again, 'invalid_siwx_nonce');
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    expect(metrics).toMatch(/turnpike_pass_requests_total\{route="\/reports\/\*",outcome="sign_in"\} [1-9]/);
  });

  it('of an account without a pass is looked up once, however often it is sent', async () => {
    const header = await signInFor(await freshPayer(devnet), url());
    await expectRefusal(await sendSignIn(header, url()), 'Payment required');
    await expectRefusal(await sendSignIn(header, url()), 'invalid_siwx_nonce');
  });

  it('is good for the scope that its nonce was issued for, and no other', async () => {
    await buyPass(devnet, buyer, `${gateway.url}/maps/1`);
    const header = await signInFor(buyer, url(), { uri: `${gateway.url}/maps` });
    await expectRefusal(await sendSignIn(header, `${gateway.url}/maps/1`), 'invalid_siwx_nonce');
    await expectRefusal(await sendSignIn(header, url()), 'invalid_siwx_uri_mismatch');
    const elsewhere = await signInFor(buyer, url());
    await expectRefusal(await sendSignIn(elsewhere, `${gateway.url}/maps/1`), 'invalid_siwx_uri_mismatch');
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['invalid_siwx_domain_mismatch', { domain: 'evil.example' }],
    ['invalid_siwx_domain_mismatch', { domain: '127.0.0.1' }],
    ['invalid_siwx_uri_mismatch', { uri: 'https://evil.example/reports' }],
    ['invalid_siwx_unsupported_chain', { chainId: 'eip155:1' }],
    ['invalid_siwx_nonce', { nonce: '0'.repeat(64) }],
    ['invalid_siwx_nonce', { nonce: 'abcdefgh12345678' }],
    ['invalid_siwx_issued_at', { issuedAt: '2026-01-01T00:00:00.000Z' }],
    ['invalid_siwx_expired', { expirationTime: '2026-01-01T00:00:00.000Z' }],
    ['invalid_siwx_not_yet_valid', { notBefore: '2099-01-01T00:00:00.000Z' }],
    ['invalid_siwx_smart_wallet', { signatureScheme: 'eip1271' }],
  ])('is refused as %s with %j', async (reason, changes) => {
    const seen = upstream.seen.length;
    await expectRefusal(await sendSignIn(await signInFor(buyer, url(), changes), url()), reason);
    expect(upstream.seen).toHaveLength(seen);
  });

  it('is accepted with an expiry, a request id and resources of its own, which are signed too', async () => {
    const extra = { expirationTime: '2099-01-01T00:00:00.000Z', requestId: 'r-1', resources: [url()] };
    expect((await sendSignIn(await signInFor(buyer, url(), extra), url())).status).toBe(200);
    const bare = await signInFor(buyer, url(), { statement: undefined });
    expect((await sendSignIn(bare, url())).status).toBe(200);
  });

  it('is refused when its nonce is older than five minutes', async () => {
    const header = await signInFor(buyer, url());
    ahead = 300_001;
    await expectRefusal(await sendSignIn(header, url()), 'invalid_siwx_nonce');
  });

  it('is refused with the name of another account, a changed field, or a signature in another form', async () => {
    const header = await signInFor(buyer, url());
    const payload = JSON.parse(Buffer.from(header, 'base64').toString());
    const victim = await freshPayer(devnet);
    const forms: Readonly<Record<string, unknown>>[] = [
      { ...payload, address: privateKeyToAccount(victim.key).address },
      { ...payload, statement: 'Something else' },
      { ...payload, signature: `${payload.signature.slice(0, -2)}${payload.signature.endsWith('1b') ? '00' : '01'}` },
    ];
    for (const form of forms) {
      await expectRefusal(await sendSignIn(encodeHeader(form), url()), 'invalid_siwx_signature');
    }
    await expectRefusal(
      await sendSignIn(encodeHeader({ ...payload, signature: '0x00' }), url()),
      'invalid_siwx_smart_wallet',
    );
  });

  it('is refused when it is malformed: other encodings, line breaks in fields, wrong types', async () => {
    const payload = JSON.parse(Buffer.from(await signInFor(buyer, url()), 'base64').toString());
    const forms = [
      'x',
      '{}',
      encodeHeader({}),
      encodeHeader({ ...payload, statement: 'a\nURI: https://evil.example' }),
      encodeHeader({ ...payload, nonce: 5 }),
      encodeHeader({ ...payload, resources: 'x' }),
      encodeHeader({ ...payload, version: '2' }),
      encodeHeader({ ...payload, statement: 'x'.repeat(5000) }),
    ];
    for (const form of forms) await expectRefusal(await sendSignIn(form, url()), 'invalid_siwx_payload');
  });

  it('cannot be made for another site: the client refuses a challenge that names one', async () => {
    const { info, supportedChains } = await declaredAt(url());
    const complete = { ...info, ...supportedChains[0], domain: 'evil.example' } as Parameters<
      typeof createSIWxPayload
    >[0];
    await expect(createSIWxPayload(complete, privateKeyToAccount(buyer.key), url())).rejects.toThrow('does not match');
  });
});

describe('the 402 of a route with access', () => {
  it('stays under 6 KB with the longest path that fits, and has a new nonce each time', async () => {
    const long = `${gateway.url}/reports/${'x'.repeat(400)}`;
    const [one, other] = await Promise.all([fetch(long), fetch(long)]);
    const sizes = [one, other].map((response) => response.headers.get('payment-required')?.length ?? 0);
    expect(Math.max(...sizes)).toBeLessThan(6 * 1024);
    expect((await declaredAt(long)).info['nonce']).not.toBe((await declaredAt(long)).info['nonce']);
    expect(challengeOf(one).extensions?.['access-pass']).toMatchObject({
      info: { forSeconds: 3600, requests: 3, header: 'X402-Access-Token' },
    });
  });
});

function encodeHeader(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}
