import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { challengeOf, settlementOf, signUptoFor, stockUptoFetch } from '../support/buyer.ts';
import { approvePermit2, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { MeteredApi } from '../support/metering/metered-api.ts';
import { startModelApi } from '../support/metering/model-api.ts';
import { scrapeText } from '../support/metrics.ts';
import { settings } from '../support/settings.ts';

/** One path of an OpenAI-compatible server, three models: two at rates of their own, one at a fixed price. */

const FUNDS = 1_000_000n;
const USED = { input: 2_000, output: 300 };
/** What the server has: one of its models has no price. */
const USAGE = { small: USED, large: USED, flat: USED, unpriced: USED };

let devnet: Devnet;
let api: MeteredApi;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, api] = await Promise.all([startDevnet(), startModelApi(USAGE)]);
  gateway = await startTestGateway(`${settings(devnet, api.url)}
routes:
  - path: /v1/chat/completions
    methods: [POST]
    name: chat
    prices:
      - when: { json: { /model: small } }
        name: small
        price: { upTo: $0.01, meter: openai, rates: { input: $0.10/1M, output: $0.40/1M } }
      - when: { json: { /model: large } }
        name: large
        price: { upTo: $0.50, meter: openai, rates: { input: $2.50/1M, output: $10/1M } }
      - when: { json: { /model: flat } }
        name: flat
        price: $0.002
`);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), api.close()]);
});

async function approvedPayer(): Promise<Payer> {
  const payer = await freshPayer(devnet);
  await approvePermit2(devnet, payer.key);
  return payer;
}

/** A call of Chat Completions. */
interface Question {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const url = () => `${gateway.url}/v1/chat/completions`;

function askFor(model: string, more: object = {}): Question {
  const messages = [{ role: 'user', content: 'Greet the world.' }];
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model, messages, ...more }),
  };
}

/** Of `small`: 2 000 × 0.1 + 300 × 0.4. Of `large`: 2 000 × 2.5 + 300 × 10. */
const MODELS: readonly (readonly [string, string, string, bigint])[] = [
  ['small', 'upto', '10000', 320n],
  ['large', 'upto', '500000', 8_000n],
  ['flat', 'exact', '2000', 2_000n],
];

describe('models of one path', () => {
  it.each(MODELS)('%s is offered as %s of %s and charged at its own price', async (model, scheme, amount, charge) => {
    expect(challengeOf(await fetch(url(), askFor(model))).accepts).toMatchObject([{ scheme, amount }]);
    const payer = await approvedPayer();
    const response = await stockUptoFetch(payer.key)(url(), askFor(model));
    expect([response.status, await response.json()]).toMatchObject([200, { model }]);
    expect(settlementOf(response).success).toBe(true);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(FUNDS - charge);
    expect(await scrapeText(gateway.adminUrl)).toContain(`{route="chat#${model}",`);
  });

  it.each(MODELS)('%s as a stream costs the same', async (model, _scheme, _amount, charge) => {
    const payer = await approvedPayer();
    const response = await stockUptoFetch(payer.key)(url(), askFor(model, { stream: true }));
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('data: [DONE]')]);
    // Metered streams are settled after they end.
    await expect.poll(() => devnet.usdcBalanceOf(payer.address), { timeout: 30_000 }).toBe(FUNDS - charge);
  });

  it.each([
    'unpriced',
    'unknown',
    'Large',
    ' large',
    'large-2026',
    '',
  ])('the model %j has no price: it is refused before a payment, and the API hears nothing of it', async (model) => {
    const sent = api.seen.length;
    const payer = await approvedPayer();
    const response = await stockUptoFetch(payer.key)(url(), askFor(model));
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'request_not_priced' }]);
    expect(api.seen).toHaveLength(sent);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(FUNDS);
  });

  it('a payment for the cheap one does not buy the dear one', async () => {
    const sent = api.seen.length;
    const payer = await approvedPayer();
    const signature = await signUptoFor(payer, url(), askFor('small'));
    const dear = askFor('large');
    const response = await fetch(url(), { ...dear, headers: { ...dear.headers, 'PAYMENT-SIGNATURE': signature } });
    expect(response.status).toBe(402);
    expect(api.seen).toHaveLength(sent);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(FUNDS);
  });
});
