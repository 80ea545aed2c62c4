import type { Hex } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { protocols } from '../../src/registry.ts';
import { challengeOf } from '../support/buyer.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { handSigned } from '../support/payment-header.ts';
import {
  SCRIPTED_TRANSACTION,
  type ScriptedFacilitator,
  startScriptedFacilitator,
} from '../support/scripted-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { tollProtocol } from './toll-protocol.ts';

let facilitator: ScriptedFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  [facilitator, upstream] = await Promise.all([startScriptedFacilitator(), startUpstream()]);
  let words = 0;
  const toll = tollProtocol(() => `word${++words}`);
  gateway = await startTestGateway(
    `upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
store: memory
facilitator: { url: "${facilitator.url}" }
routes:
  - { path: /weather, price: $0.01 }
`,
    { protocols: [toll, ...protocols] },
  );
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([facilitator.close(), upstream.close()]);
});

const ask = (toll?: string): Promise<Response> =>
  fetch(`${gateway.url}/weather`, toll === undefined ? {} : { headers: { 'Toll-Payment': toll } });

/** A payment for the first offer, as a client of the made-up protocol writes it. */
async function signedToll(key: Hex, offer = 0): Promise<string> {
  const [accepted] = challengeOf(await ask()).accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  const { signature, authorization } = await handSigned(key, { ...accepted });
  return JSON.stringify({ offer, signed: { signature, authorization } });
}

describe('a protocol that the registry does not know', () => {
  it('states the price beside the others, in words that are fresh each time, with the body that it prefers', async () => {
    const [first, second] = [await ask(), await ask()];
    expect([first.status, second.status]).toEqual([402, 402]);
    expect(first.headers.get('www-authenticate')).toMatch(/^Toll word="word\d+", pay="10000 USDC"$/);
    expect(second.headers.get('www-authenticate')).not.toBe(first.headers.get('www-authenticate'));
    expect(challengeOf(first).accepts).toHaveLength(1);
    expect(first.headers.get('content-type')).toBe('text/x-toll');
    expect(await first.text()).toBe('payment_required: Payment required');
  });

  it('takes a payment, tells of it in its own receipt, and takes it once', async () => {
    const key = generatePrivateKey();
    const toll = await signedToll(key);
    const paid = await ask(toll);
    expect([paid.status, await paid.json()]).toEqual([200, { path: '/weather' }]);
    expect(paid.headers.get('toll-receipt')).toMatch(new RegExp(`^settled ${SCRIPTED_TRANSACTION} of 0x[0-9a-f]{40}$`));
    expect(paid.headers.get('payment-response')).toBeNull();
    const again = await ask(toll);
    expect(again.status).toBe(409);
    expect(again.headers.get('www-authenticate')).toBeNull();
    expect(again.headers.get('toll-receipt')).toBe(paid.headers.get('toll-receipt'));
    expect(facilitator.requests.filter(({ endpoint }) => endpoint === 'settle')).toHaveLength(1);
  });

  it('refuses what it cannot read and what pays no offer, and states the price again', async () => {
    const cases = [
      ['{', 400, 'payment_malformed'],
      [await signedToll(generatePrivateKey(), 7), 402, 'payment_refused'],
    ] as const;
    for (const [toll, status, code] of cases) {
      const refused = await ask(toll);
      expect(refused.status).toBe(status);
      expect(await refused.text()).toContain(code);
      expect(refused.headers.get('www-authenticate')).toMatch(/^Toll /);
    }
  });

  it('is told apart from a payment of another protocol in the same request', async () => {
    const headers = { 'Toll-Payment': await signedToll(generatePrivateKey()), 'PAYMENT-SIGNATURE': 'e30=' };
    const refused = await fetch(`${gateway.url}/weather`, { headers });
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'payment_header_repeated' }]);
    expect(refused.headers.get('www-authenticate')).toBeNull();
  });
});
