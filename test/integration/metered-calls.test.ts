import { createHash } from 'node:crypto';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import { challengeOf, settlementOf, stockUptoFetch } from '../support/buyer.ts';
import { approvePermit2, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { DIALECT_SAMPLES, type DialectSample, sse } from '../support/metering/answers.ts';
import { type MeteredApi, startMeteredApi } from '../support/metering/metered-api.ts';
import { type OracleRate, oracleCharge } from '../support/metering/oracle.ts';
import { USAGE_FIXTURES } from '../support/metering/usage-fixtures.ts';
import { scrapeText } from '../support/metrics.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';

const MAXIMUM = 500_000n;
const RATES: Readonly<Record<string, OracleRate>> = {
  input: ['2.5', '1000000'],
  cachedInput: ['0.25', '1000000'],
  output: ['10', '1000000'],
};

const COST_RATES: Readonly<Record<string, OracleRate>> = { cost: ['1.1', '1'] };

let devnet: Devnet;
let api: MeteredApi;
let official: OfficialFacilitator;
const gateways: TestGateway[] = [];

beforeAll(async () => {
  devnet = await startDevnet();
  api = await startMeteredApi();
  official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
});
afterAll(async () => {
  for (const gateway of gateways) await gateway.close();
  await Promise.all([api.close(), official.close()]);
  await devnet.close();
});

const LOCAL = (): string =>
  `facilitator: { local: { rpc: { base-sepolia: "${devnet.rpcUrl}" }, key: "${devnet.accounts.settler.key}" } }`;
const OFFICIAL = (): string => `facilitator: ${official.url}`;

async function open(facilitator: string, price: string): Promise<string> {
  const gateway = await startTestGateway(`
upstream: ${api.url}
payTo: "${devnet.accounts.payee.address}"
accepts: [base-sepolia]
store: memory
${facilitator}
routes:
  - path: /*
    price: ${price}
`);
  gateways.push(gateway);
  return gateway.url;
}

const PRICE =
  '{ upTo: $0.50, meter: openai, rates: { input: $2.50/1M, cachedInput: $0.25/1M, output: $10/1M }, min: $0.0005 }';

async function approvedPayer(): Promise<Payer> {
  const payer = await freshPayer(devnet);
  await approvePermit2(devnet, payer.key);
  return payer;
}

/** Waits until a balance is one that is expected: streams are settled after they end. */
async function balanceBecomes(address: `0x${string}`, expected: bigint): Promise<void> {
  await expect.poll(() => devnet.usdcBalanceOf(address), { timeout: 30_000 }).toBe(expected);
}

/** Every dialect, whole and as a stream where it has streams. */
const SAMPLES = [
  ...DIALECT_SAMPLES.filter(({ figures }) => figures['input'] !== undefined),
  ...USAGE_FIXTURES.filter(({ name }) => name === 'OpenRouter as a stream' || name === 'Ollama, whole'),
];
const BY_COST = '{ upTo: $0.50, meter: openrouter, rates: { cost: 1.1 }, min: $0.00002 }';

describe.each([
  ['the local facilitator', LOCAL],
  ['the official facilitator code', OFFICIAL],
])('Through %s', (_, facilitator) => {
  it.each(SAMPLES)('$name is charged to the unit', async ({ meter, answer, figures, tail }: DialectSample) => {
    const family = meter.kind === 'family' ? meter.family : 'auto';
    const isByCost = family === 'openrouter';
    const url = await open(facilitator(), isByCost ? BY_COST : PRICE.replace('openai', family));
    api.answer = (response) => response.writeHead(200, { 'Content-Type': answer.contentType }).end(answer.body);
    const payer = await approvedPayer();
    const [rates, min] = isByCost ? [COST_RATES, 20n] : [RATES, 500n];
    const charge = oracleCharge(figures, rates, { min, max: MAXIMUM, decimals: 6 });
    const path = answer.path ?? '/v1/chat/completions';
    const response = await stockUptoFetch(payer.key)(`${url}${path}`, { method: 'POST', body: '{"model":"m"}' });
    const text = await response.text();
    expect(response.status).toBe(200);
    const { receipt, rest } =
      tail === undefined && !answer.contentType.includes('event-stream')
        ? { receipt: isStreamed(answer.path) ? undefined : settlementOf(response), rest: text }
        : receiptIn(text);
    expect(rest).toBe(String(answer.body));
    if (receipt !== undefined) expect(receipt).toMatchObject({ success: true, amount: String(charge) });
    await balanceBecomes(payer.address, 1_000_000n - charge);
  });
});

describe('A metered price', () => {
  it('is stated as a maximum, for the account that settles', async () => {
    const response = await fetch(`${await open(LOCAL(), PRICE)}/v1/chat/completions`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(402);
    expect(challengeOf(response).accepts).toMatchObject([
      {
        scheme: 'upto',
        amount: '500000',
        extra: {
          assetTransferMethod: 'permit2',
          facilitatorAddress: privateKeyToAccount(devnet.accounts.settler.key).address,
        },
      },
    ]);
  });

  it('asks a buyer who has not approved Permit2 to do so', async () => {
    const payer = await freshPayer(devnet);
    const url = await open(LOCAL(), PRICE);
    const response = await stockUptoFetch(payer.key)(`${url}/v1/chat/completions`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(412);
  });

  it('asks the API for usage and for an answer that is not compressed, and changes no number', async () => {
    const url = await open(LOCAL(), PRICE);
    api.answer = (response) => response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(sse(['[DONE]']));
    const body = '{"model":"m","stream":true,"seed":12345678901234567890,"temperature":1.0}';
    const payer = await approvedPayer();
    await (await stockUptoFetch(payer.key)(`${url}/v1/chat/completions`, { method: 'POST', body })).text();
    const seen = api.seen.at(-1);
    expect(seen?.headers['accept-encoding']).toBe('identity');
    expect(seen?.body).toBe(`${body.slice(0, -1)},"stream_options":{"include_usage":true}}`);
    await balanceBecomes(payer.address, 1_000_000n - 500n);
  });

  it.each([
    ['a member twice', '{"model":"a","model":"b"}'],
    ['a call in the background', '{"model":"a","background":true}'],
  ])('refuses %s before it is sent, and leaves the payment good', async (_, body) => {
    const url = await open(LOCAL(), PRICE);
    const sent = api.seen.length;
    const payer = await approvedPayer();
    const response = await stockUptoFetch(payer.key)(`${url}/v1/responses`, { method: 'POST', body });
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'request_unmetered' }]);
    expect(api.seen).toHaveLength(sent);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(1_000_000n);
  });

  it('with a cap limits the output of requests that name no limit, and leaves those that name one', async () => {
    const url = await open(LOCAL(), PRICE.replace(' }, min', ' }, cap: true, min'));
    const payer = await approvedPayer();
    const ask = async (body: string): Promise<unknown> => {
      api.answer = (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
      await stockUptoFetch(payer.key)(`${url}/v1/chat/completions`, { method: 'POST', body });
      return JSON.parse(api.seen.at(-1)?.body ?? '');
    };
    // 23 bytes of input at most leave 0.4999425 dollars for output: 49994 tokens.
    expect(await ask('{"model":"m","prompt":1}')).toMatchObject({ model: 'm', max_tokens: 49_994 });
    expect(await ask('{"model":"m","max_tokens":77777}')).toEqual({ model: 'm', max_tokens: 77_777 });
  });

  it('reads only requests that fit in memory together with their replacement', async () => {
    const gateway = await startTestGateway(`
upstream: ${api.url}
payTo: "${devnet.accounts.payee.address}"
accepts: [base-sepolia]
store: memory
${LOCAL()}
limits: { bodiesInMemory: 800KB }
routes:
  - { path: /*, price: ${PRICE} }
`);
    gateways.push(gateway);
    const payer = await approvedPayer();
    const sent = api.seen.length;
    const post = (bytes: number) => {
      const init = { method: 'POST', body: JSON.stringify({ model: 'm', pad: 'x'.repeat(bytes) }) };
      return stockUptoFetch(payer.key)(`${gateway.url}/v1/chat/completions`, init);
    };
    expect([(await post(150_000)).status, api.seen.length]).toEqual([413, sent]);
    expect((await post(80_000)).status).toBe(200);
  });

  it('is not charged to a known customer, and to a client that has a free request left', async () => {
    const key = 'a-customers-key-0123456789';
    const hash = createHash('sha256').update(key).digest('hex');
    const gateway = await startTestGateway(`
upstream: ${api.url}
payTo: "${devnet.accounts.payee.address}"
accepts: [base-sepolia]
store: memory
${LOCAL()}
routes:
  - { path: /*, price: ${PRICE}, keys: { header: X-Api-Key, sha256: "${hash}" }, free: { requests: 1, per: day } }
`);
    gateways.push(gateway);
    api.answer = (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    const ask = (headers: Record<string, string>) =>
      fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: '{"model":"m"}', headers });
    expect((await ask({ 'X-Api-Key': key })).status).toBe(200);
    expect((await ask({})).status).toBe(200);
    expect((await ask({})).status).toBe(402);
    expect((await ask({ 'X-Api-Key': key })).status).toBe(200);
    expect(api.seen.at(-1)?.body).toBe('{"model":"m"}');
  });

  it('charges the least for an answer without usage, and nothing for one that says that it failed', async () => {
    const url = await open(LOCAL(), PRICE);
    const payer = await approvedPayer();
    const ask = async (answer: string) => {
      api.answer = (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(answer);
      const response = await stockUptoFetch(payer.key)(`${url}/v1/chat/completions`, { method: 'POST', body: '{}' });
      await response.text();
      return response;
    };
    expect(settlementOf(await ask('{"object":"chat.completion"}')).amount).toBe('500');
    expect((await ask('{"error":{"message":"overloaded"}}')).headers.get('payment-response')).toBeNull();
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(1_000_000n - 500n);
  });

  it('is recorded in metrics and ledger: what was used, what was missing, and the share of the maximum', async () => {
    const store = openMemoryLedger(Date.now);
    const gateway = await startTestGateway(
      `
upstream: ${api.url}
payTo: "${devnet.accounts.payee.address}"
accepts: [base-sepolia]
store: memory
${LOCAL()}
routes:
  - { path: /v1/*, name: chat, price: ${PRICE} }
`,
      { store },
    );
    gateways.push(gateway);
    const payer = await approvedPayer();
    const usage = { prompt_tokens: 1_000, completion_tokens: 100, prompt_tokens_details: { cached_tokens: 400 } };
    for (const answer of [{ model: 'gpt-5-mini-2026', usage }, { model: 'gpt-5-mini-2026' }]) {
      api.answer = (response) =>
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
      await (
        await stockUptoFetch(payer.key)(`${gateway.url}/v1/chat/completions`, { method: 'POST', body: '{}' })
      ).text();
    }
    const metrics = await scrapeText(gateway.adminUrl);
    expect(metrics).toContain('turnpike_metered_units_total{route="chat",dimension="input"} 600');
    expect(metrics).toContain('turnpike_metered_units_total{route="chat",dimension="cachedInput"} 400');
    expect(metrics).toContain('turnpike_metered_units_total{route="chat",dimension="output"} 100');
    expect(metrics).toContain('turnpike_meter_missing_total{route="chat",reason="no_usage"} 1');
    expect(metrics).toContain('turnpike_metered_charge_ratio_bucket{le="0.01",route="chat"} 2');
    expect(metrics).not.toContain('gpt-5-mini');
    // 600 at $2.50, 400 at $0.25 and 100 at $10 a million, and the least charge.
    expect(metrics).toMatch(/turnpike_revenue_atomic_total\{route="chat",[^}]*\} 3100\n/);
    const rows = await store.list({ metered: true }, undefined, 10);
    expect(rows.map(({ usage: kept }) => JSON.parse(kept ?? '{}'))).toMatchObject([
      {
        ...{ meter: 'openai', model: 'gpt-5-mini-2026', missing: null, guessed: false, end: 'complete', min: '0.0005' },
        figures: { input: '600', cachedInput: '400', output: '100' },
        rates: { input: '$2.50/1M', cachedInput: '$0.25/1M', output: '$10/1M' },
      },
      { model: 'gpt-5-mini-2026', missing: 'no_usage', figures: {} },
    ]);
  });

  it('is never charged above its maximum', async () => {
    const url = await open(LOCAL(), PRICE);
    const payer = await approvedPayer();
    const usage = '{"usage":{"prompt_tokens":9007199254740993,"completion_tokens":1}}';
    api.answer = (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(usage);
    const response = await stockUptoFetch(payer.key)(`${url}/v1/chat/completions`, { method: 'POST', body: '{}' });
    expect(settlementOf(response).amount).toBe(String(MAXIMUM));
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(1_000_000n - MAXIMUM);
  });

  it.each([
    ['{ upTo: $0.5, meter: { header: X-Cost }, rates: { unit: $0.0001 } }', { 'X-Cost': '12.345' }, '1235'],
    ['{ upTo: $0.5, meter: { json: /credits }, rates: { unit: $0.0001 } }', {}, '150'],
    ['{ upTo: $0.5, meter: bytes, rates: { bytes: $1/1M } }', {}, '15'],
    ['{ upTo: $0.5, meter: upstream }', { 'Settlement-Overrides': '{"amount":"50%"}' }, '250000'],
    ['{ upTo: $0.5, meter: upstream, missing: nothing }', {}, '0'],
  ])('of %s is charged by what the answer says', async (price, headers, charge) => {
    const url = await open(LOCAL(), price);
    const payer = await approvedPayer();
    const type = { 'Content-Type': 'application/json' };
    api.answer = (response) => response.writeHead(200, { ...type, ...headers }).end('{"credits":1.5}');
    const response = await stockUptoFetch(payer.key)(`${url}/export`);
    expect(await response.text()).toBe('{"credits":1.5}');
    expect(settlementOf(response)).toMatchObject({ success: true, amount: charge });
    expect(response.headers.get('settlement-overrides')).toBeNull();
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(1_000_000n - BigInt(charge));
  });
});

describe('An API that writes several formats', () => {
  it('is asked for the one that tells what a call used', async () => {
    const url = await open(LOCAL(), '{ upTo: $0.5, meter: { json: /credits }, rates: { unit: $0.0001 } }');
    const payer = await approvedPayer();
    api.answer = (response, { headers: { accept } }) => {
      const isCsv = accept?.includes('csv') === true;
      const head = { 'Content-Type': isCsv ? 'text/csv' : 'application/json' };
      response.writeHead(200, head).end(isCsv ? 'a,b' : '{"credits":1.5}');
    };
    const headers = { Accept: 'text/csv, */*;q=0.1' };
    const response = await stockUptoFetch(payer.key)(`${url}/export`, { headers });
    expect(await response.text()).toBe('{"credits":1.5}');
    expect(settlementOf(response).amount).toBe('150');
  });

  it('is not asked for another encoding, which would hide what a call used', async () => {
    const url = await open(LOCAL(), '{ upTo: $0.5, meter: { json: /credits }, rates: { unit: $0.0001 } }');
    const payer = await approvedPayer();
    // As ASP.NET does.
    api.answer = (response, { headers: { 'accept-charset': charset } }) => {
      const encoding = charset === 'utf-16' ? 'utf16le' : 'utf8';
      response.writeHead(200, { 'Content-Type': `application/json; charset=${charset ?? 'utf-8'}` });
      response.end('{"credits":1.5}', encoding);
    };
    const headers = { 'Accept-Charset': 'utf-16' };
    const response = await stockUptoFetch(payer.key)(`${url}/export`, { headers });
    expect(await response.text()).toBe('{"credits":1.5}');
    expect(settlementOf(response).amount).toBe('150');
  });
});

function isStreamed(path: string | undefined): boolean {
  return path?.includes('streamGenerateContent') === true;
}

/** Takes the receipt out of a stream, which stands in a comment before its end. */
function receiptIn(text: string): { receipt: Record<string, unknown> | undefined; rest: string } {
  const comment = /: x402 (\S+)\n\n/.exec(text);
  const receipt =
    comment?.[1] === undefined ? undefined : JSON.parse(Buffer.from(comment[1], 'base64').toString('utf8'));
  return { receipt, rest: comment === null ? text : text.replace(comment[0], '') };
}
