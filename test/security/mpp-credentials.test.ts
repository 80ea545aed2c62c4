import { generatePrivateKey } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import {
  type CredentialParts,
  changed,
  mppChallengesOf,
  partsOf,
  signMppFor,
  writeCredential,
} from '../support/mpp.ts';
import { toHeader } from '../support/payment-header.ts';
import { exchangeRaw } from '../support/raw-http.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** A credential of MPP buys what its challenge was for, once, and never reaches the API. */

let facilitator: ScriptedFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;
let now = Date.now();

beforeAll(async () => {
  [facilitator, upstream] = await Promise.all([startScriptedFacilitator(), startUpstream()]);
  gateway = await startTestGateway(
    `upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "${facilitator.url}" }
protocols: [x402, mpp]
routes:
  - { path: /a, price: $0.01 }
  - { path: /b, price: $0.01 }
  - { path: /dear, price: $0.02 }
  - { path: /x402, price: $0.01, protocols: [x402] }
  - { path: /free, price: free }
`,
    { clock: () => now },
  );
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([facilitator.close(), upstream.close()]);
});

const sign = (path = '/a'): Promise<string> => signMppFor(generatePrivateKey(), gateway.url + path);
const send = (path: string, headers: Record<string, string>): Promise<Response> =>
  fetch(gateway.url + path, { headers });
const settled = (): number => facilitator.requests.filter(({ endpoint }) => endpoint === 'settle').length;

/** Sends raw bytes of a request with these lines, and returns the status. */
async function sendRaw(path: string, lines: readonly string[]): Promise<number> {
  const { host } = new URL(gateway.url);
  const request = [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...lines, 'Connection: close', '', ''].join('\r\n');
  const { statusLine } = await exchangeRaw(Number(new URL(gateway.url).port), request);
  return Number(statusLine.split(' ')[1]);
}

interface Problem {
  readonly type: string;
  readonly code: string;
  readonly error?: string;
}

/** Expects a refusal that buys nothing: with a new challenge, in a problem document. */
async function expectRefused(answer: Response, type: string, error?: string): Promise<void> {
  const problem = (await answer.json()) as Problem;
  expect([answer.status, problem.type]).toEqual([402, `https://paymentauth.org/problems/${type}`]);
  if (error !== undefined) expect(problem.error).toBe(error);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(mppChallengesOf(answer)).toHaveLength(1);
  expect(answer.headers.get('payment-required')).not.toBeNull();
  expect(answer.headers.get('payment-receipt')).toBeNull();
}

describe('a credential that is not what was asked for', () => {
  it.each<[string, string, Partial<CredentialParts>, string]>([
    ['a forged id', 'invalid-challenge', { challenge: { id: 'x'.repeat(43) } }, 'mpp_invalid_challenge'],
    ['another realm', 'invalid-challenge', { challenge: { realm: 'other.test' } }, 'mpp_invalid_challenge'],
    ['a later end', 'invalid-challenge', { challenge: { expires: '2999-01-01T00:00:00Z' } }, 'mpp_invalid_challenge'],
    [
      'a digest that we never asked for',
      'invalid-challenge',
      { challenge: { digest: 'sha-256=:x:' } },
      'mpp_invalid_challenge',
    ],
    ['other words of the server', 'invalid-challenge', { challenge: { opaque: 'e30' } }, 'mpp_invalid_challenge'],
    [
      'another payer in source',
      'verification-failed',
      { source: `did:pkh:eip155:84532:0x${'1'.repeat(40)}` },
      'mpp_source_mismatch',
    ],
    [
      'another nonce than the hash',
      'verification-failed',
      { payload: { nonce: `0x${'12'.repeat(32)}` } },
      'mpp_challenge_hash_mismatch',
    ],
    [
      'more value',
      'payment-insufficient',
      { payload: { value: '20000' } },
      'invalid_exact_evm_payload_authorization_value_mismatch',
    ],
  ])('is refused with %s', async (_what, type, change, error) => {
    const before = settled();
    const credential = changed(await sign(), change);
    await expectRefused(await send('/a', { authorization: credential }), type, error);
    expect(settled()).toBe(before);
  });

  it('is refused on another route of the same price, and at a dearer one', async () => {
    await expectRefused(await send('/b', { authorization: await sign('/a') }), 'invalid-challenge');
    await expectRefused(await send('/dear', { authorization: await sign('/a') }), 'verification-failed');
  });

  it('is refused when its challenge has ended', async () => {
    const credential = await sign();
    const before = now;
    now += 400_000;
    const answer = await send('/a', { authorization: credential });
    now = before;
    await expectRefused(answer, 'payment-expired');
  });
});

describe('a credential that cannot be read', () => {
  it.each<[string, string]>([
    ['nothing', 'Payment'],
    ['padding', 'Payment e30='],
    ['the other alphabet', 'Payment +/+/'],
    ['no JSON', 'Payment bm8'],
    ['no challenge', writeCredential({ payload: {} })],
    ['an array', writeCredential([])],
    ['parameters instead of a text', 'Payment id="x", realm="y"'],
    ['a prototype', `Payment ${Buffer.from('{"__proto__":{},"challenge":{},"payload":{}}').toString('base64url')}`],
    ['depth', `Payment ${Buffer.from('['.repeat(500) + ']'.repeat(500)).toString('base64url')}`],
  ])('is refused with a new challenge for %s', async (_what, authorization) => {
    await expectRefused(await send('/a', { authorization }), 'malformed-credential');
  });

  it('is refused as unsupported when the gateway does not offer its method', async () => {
    const credential = changed(await sign(), { challenge: { method: 'tempo' } });
    const answer = await send('/a', { authorization: credential });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { code: 'payment_method_unsupported', type: 'https://paymentauth.org/problems/method-unsupported' },
    ]);
  });

  it('is refused when it is larger than a payment may be', async () => {
    const answer = await send('/a', { authorization: `Payment ${'A'.repeat(13_000)}` });
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'payment_header_too_large' }]);
  });
});

describe('payment credentials', () => {
  it('are refused when there are two, in one header field, in two lines of it, or in two protocols', async () => {
    const [one, other] = [await sign(), await sign()];
    const before = settled();
    expect(await sendRaw('/a', [`Authorization: ${one}, ${other}`])).toBe(400);
    expect(await sendRaw('/a', [`Authorization: ${one}`, `Authorization: ${other}`])).toBe(400);
    expect(await sendRaw('/a', [`Authorization: ${one}`, 'PAYMENT-SIGNATURE: e30='])).toBe(400);
    expect(settled()).toBe(before);
  });

  it('are found next to a credential of the API, which alone reaches the API', async () => {
    const sent = [
      [`Authorization: Bearer of-the-api, ${await sign()}`],
      ['Authorization: Bearer of-the-api', `Authorization: ${await sign()}`],
      [`authorization: ${await sign()} , Bearer of-the-api`],
    ];
    for (const lines of sent) {
      expect(await sendRaw('/a', lines)).toBe(200);
      const seen = upstream.seen.at(-1)?.rawHeaders.join('\n') ?? '';
      expect(seen).toContain('Bearer of-the-api');
      expect(seen).not.toMatch(/payment/i);
    }
  });

  it('never reach the API on free routes either, whatever stands beside them', async () => {
    const tricks = ['Payment abc', 'Basic eA==, Payment abc', 'Digest username="a, Payment abc', 'payment\tabc'];
    for (const trick of tricks) {
      expect(await sendRaw('/free', [`Authorization: ${trick}`, 'Accept-Payment: evm/charge'])).toBe(200);
      expect(upstream.seen.at(-1)?.rawHeaders.join('\n')).not.toMatch(/payment/i);
    }
  });

  it('are ignored where a route does not offer MPP', async () => {
    const answer = await send('/x402', { authorization: await sign('/a') });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([402, null]);
  });
});

describe('one authorization', () => {
  it('is one payment in both protocols, and its copies in either protocol get no offer', async () => {
    const credential = await sign();
    const { payload } = partsOf(credential);
    const { signature, type: _type, ...authorization } = payload;
    const [accepted] = JSON.parse(
      Buffer.from((await send('/a', {})).headers.get('payment-required') ?? '', 'base64').toString(),
    ).accepts;
    const inX402 = toHeader({ x402Version: 2, accepted, payload: { signature, authorization } });
    const before = settled();
    const paid = await send('/a', { authorization: credential });
    expect([paid.status, paid.headers.get('payment-receipt')]).toEqual([200, expect.any(String)]);
    const copies: Record<string, string>[] = [{ 'PAYMENT-SIGNATURE': inX402 }, { authorization: credential }];
    for (const copy of copies) {
      const again = await send('/a', copy);
      expect([again.status, await again.json()]).toMatchObject([409, { code: 'payment_already_used' }]);
      expect(again.headers.get('www-authenticate')).toBeNull();
      expect(again.headers.get('payment-required')).toBeNull();
      expect(again.headers.get('payment-receipt')).toBeNull();
    }
    expect(settled()).toBe(before + 1);
  });

  it('is refused as used, without a new challenge, after its challenge has ended or its id was changed', async () => {
    const credential = await sign();
    expect((await send('/a', { authorization: credential })).status).toBe(200);
    const broken = changed(credential, { challenge: { id: 'x'.repeat(43) } });
    const before = now;
    now += 400_000;
    const answers = [await send('/a', { authorization: credential }), await send('/a', { authorization: broken })];
    now = before;
    for (const answer of answers) {
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([409, null]);
    }
  });
});
