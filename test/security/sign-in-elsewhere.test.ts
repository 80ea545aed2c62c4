import { createSIWxMessage, encodeSIWxHeader } from '@x402/extensions/sign-in-with-x';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buyPass } from '../support/access.ts';
import { challengeOf } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { exchangeRaw, type RawResponse } from '../support/raw-http.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/**
 * A site asks the gateway for a sign-in under the site's own name, lets a visitor sign it, and uses it at the gateway: the
 * wallet gives no warning, because the message names the site that the visitor sees.
 */

const ROUTES = `
routes:
  - { path: /reports/*, price: $0.001, access: { for: 1h, requests: 50 } }
  - { path: /hosted/*, host: api.example.com, price: $0.001, access: { for: 1h, requests: 50 } }
`;

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
/** The same with the host that clients see in its configuration. */
let named: TestGateway;
let victim: Payer;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  const top = settings(devnet, upstream.url);
  gateway = await startTestGateway(`${top}trustedProxies: [127.0.0.0/8]${ROUTES}`);
  named = await startTestGateway(`${top}publicUrl: https://api.example.com${ROUTES}`);
  victim = await freshPayer(devnet);
  await buyPass(devnet, victim, `${gateway.url}/reports/1`);
});

afterAll(async () => {
  await Promise.all([gateway.close(), named.close()]);
  await Promise.all([devnet.close(), upstream.close()]);
});

async function ask(to: TestGateway, path: string, headers: readonly string[]): Promise<RawResponse> {
  const lines = [`GET ${path} HTTP/1.1`, ...headers, 'Connection: close', '', ''];
  return await exchangeRaw(Number(new URL(to.url).port), lines.join('\r\n'));
}

/** What a 402 declares for signing in, if it declares it. */
function declaredIn(answer: RawResponse): Readonly<Record<string, string>> | undefined {
  const headers = answer.all('payment-required').map((value): [string, string] => ['payment-required', value]);
  const declared = challengeOf(new Response(null, { status: 402, headers })).extensions?.['sign-in-with-x'];
  return isDeclared(declared) ? declared.info : undefined;
}

function isDeclared(value: unknown): value is { readonly info: Readonly<Record<string, string>> } {
  return value instanceof Object && 'info' in value;
}

/** What a visitor's wallet signs without a warning: the site that asks is the one that the message names. */
async function signedBy(payer: Payer, info: Readonly<Record<string, string>>): Promise<string> {
  const account = privateKeyToAccount(payer.key);
  const chain = { chainId: 'eip155:84532', type: 'eip191' as const };
  const fields = { ...info, ...chain } as Parameters<typeof createSIWxMessage>[0];
  const signature = await account.signMessage({ message: createSIWxMessage(fields, account.address) });
  return encodeSIWxHeader({ ...fields, address: account.address, signature });
}

describe('a foreign site that lets its visitors sign in for it', () => {
  it.each([
    ['Host', ['Host: evil.example']],
    ['X-Forwarded-Host, through a proxy that hands it on', ['Host: 127.0.0.1', 'X-Forwarded-Host: evil.example']],
    ['an address of its own', ['Host: 198.51.100.7']],
    ['a name that begins with ours', ['Host: 127.0.0.1.evil.example']],
    ['a name below localhost', ['Host: evil.localhost']],
  ])('gets no sign-in message when it gives its own host name: %s', async (_how, headers) => {
    const answer = await ask(gateway, '/reports/1', headers);
    expect(answer.statusLine).toContain(' 402 ');
    expect(answer.all('payment-required')).toHaveLength(1);
    expect(declaredIn(answer)).toBeUndefined();
  });

  it('cannot read what a visitor has paid for', async () => {
    const host = new URL(gateway.url).host;
    const answer = await ask(gateway, '/reports/1', ['Host: evil.example']);
    const nonceOf = declaredIn(answer) ?? declaredIn(await ask(gateway, '/reports/1', [`Host: ${host}`])) ?? {};
    const info = { ...nonceOf, domain: 'evil.example', uri: 'http://evil.example/reports' };
    const seen = upstream.seen.length;
    const header = await signedBy(victim, info);
    const stolen = await ask(gateway, '/reports/1', ['Host: evil.example', `SIGN-IN-WITH-X: ${header}`]);
    expect(stolen.statusLine).toContain(' 402 ');
    expect(stolen.all('x402-access-token')).toEqual([]);
    expect(upstream.seen).toHaveLength(seen);
  });

  it('gets the configured name of the gateway instead of its own', async () => {
    const answer = await ask(named, '/reports/1', ['Host: evil.example']);
    expect(declaredIn(answer)).toMatchObject({ domain: 'api.example.com', uri: 'https://api.example.com/reports' });
  });
});

describe('a buyer who signs in', () => {
  it('is served at a loopback address, where no foreign site can be', async () => {
    const host = new URL(gateway.url).host;
    const info = declaredIn(await ask(gateway, '/reports/1', [`Host: ${host}`])) ?? {};
    const header = await signedBy(victim, info);
    const served = await ask(gateway, '/reports/1', [`Host: ${host}`, `SIGN-IN-WITH-X: ${header}`]);
    expect(served.statusLine).toContain(' 200 ');
  });

  it('gets the host of the route in the sign-in message, unless a proxy passes on another host', async () => {
    const host = 'Host: api.example.com';
    expect(declaredIn(await ask(gateway, '/hosted/1', [host]))).toMatchObject({ domain: 'api.example.com' });
    const twisted = await ask(gateway, '/hosted/1', [host, 'X-Forwarded-Host: evil.example']);
    expect(twisted.statusLine).toContain(' 404 ');
    expect(twisted.all('payment-required')).toEqual([]);
  });
});
