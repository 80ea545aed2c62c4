import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settlementOf, stockUptoFetch } from '../support/buyer.ts';
import { approvePermit2, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { MeteredApi } from '../support/metering/metered-api.ts';
import { MODEL_WORDS, startModelApi } from '../support/metering/model-api.ts';
import { settings } from '../support/settings.ts';

/** The official clients of language models, unchanged: they only get the gateway's address and a `fetch` that pays. */

const MODEL = 'any-model';
const TEXT = MODEL_WORDS.join('');
const USAGE = { input: 1_001, output: 100 };
/** 1 001 tokens at $2.50 and 100 at $10 a million are 3 502.5 atomic units: rounded up once. */
const CHARGE = 3_503n;
const FUNDS = 1_000_000n;

let devnet: Devnet;
let api: MeteredApi;
let gateway: TestGateway;

beforeAll(async () => {
  [devnet, api] = await Promise.all([startDevnet(), startModelApi({ [MODEL]: USAGE })]);
  const price = (meter: string) =>
    `{ upTo: $0.50, meter: ${meter}, rates: { input: $2.50/1M, output: $10/1M }, min: $0.0005 }`;
  gateway = await startTestGateway(`${settings(devnet, api.url)}
routes:
  - { path: /v1/chat/completions, methods: [POST], price: ${price('openai')} }
  - { path: /v1/messages, methods: [POST], price: ${price('anthropic')} }
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

/** A `fetch` that counts what it is asked for. */
function counted(asking: typeof fetch): { readonly ask: typeof fetch; readonly calls: () => number } {
  let calls = 0;
  const ask: typeof fetch = (input, init) => {
    calls += 1;
    return asking(input, init);
  };
  return { ask, calls: () => calls };
}

/** Streams are settled after they end. */
async function isCharged(payer: Payer): Promise<void> {
  await expect.poll(() => devnet.usdcBalanceOf(payer.address), { timeout: 30_000 }).toBe(FUNDS - CHARGE);
}

describe('The openai client', () => {
  const clientWith = (asking: typeof fetch) =>
    new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'key-of-the-api', fetch: asking });
  const QUESTION: OpenAI.Chat.ChatCompletionCreateParamsNonStreaming = {
    model: MODEL,
    messages: [{ role: 'user', content: 'Greet the world.' }],
  };

  it('buys a whole answer at the price of its usage, and its key reaches the API', async () => {
    const payer = await approvedPayer();
    const client = clientWith(stockUptoFetch(payer.key));
    const { data, response } = await client.chat.completions.create(QUESTION).withResponse();
    expect(data.choices[0]?.message.content).toBe(TEXT);
    expect(data.usage).toMatchObject({ prompt_tokens: USAGE.input, completion_tokens: USAGE.output });
    expect(settlementOf(response)).toMatchObject({ success: true, amount: String(CHARGE) });
    expect(api.seen.at(-1)?.headers.authorization).toBe('Bearer key-of-the-api');
    await isCharged(payer);
  });

  it('buys a stream at the price of its usage, without a request for the usage', async () => {
    const payer = await approvedPayer();
    const client = clientWith(stockUptoFetch(payer.key));
    const pieces: string[] = [];
    for await (const { choices } of await client.chat.completions.create({ ...QUESTION, stream: true })) {
      pieces.push(choices[0]?.delta.content ?? '');
    }
    expect(pieces.join('')).toBe(TEXT);
    await isCharged(payer);
  });

  it('gets no chunk without a choice, unless it asked for the usage', async () => {
    const chunksOf = async (more: object): Promise<OpenAI.ChatCompletionChunk[]> => {
      const payer = await approvedPayer();
      const stream = await clientWith(stockUptoFetch(payer.key)).chat.completions.create({
        ...QUESTION,
        ...more,
        stream: true,
      });
      const chunks: OpenAI.ChatCompletionChunk[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      await isCharged(payer);
      return chunks;
    };
    for (const more of [{}, { stream_options: { include_usage: false } }]) {
      const chunks = await chunksOf(more);
      expect(chunks.map(({ choices }) => choices.length)).toEqual([...MODEL_WORDS.map(() => 1), 1]);
    }
    const asked = await chunksOf({ stream_options: { include_usage: true } });
    expect(asked.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: USAGE.input } });
  });

  it('reports the status of a refusal, and does not ask again', async () => {
    const sent = api.seen.length;
    const unpaid = counted(fetch);
    await expect(clientWith(unpaid.ask).chat.completions.create(QUESTION)).rejects.toMatchObject({ status: 402 });
    const unapproved = counted(stockUptoFetch((await freshPayer(devnet)).key));
    await expect(clientWith(unapproved.ask).chat.completions.create(QUESTION)).rejects.toMatchObject({ status: 412 });
    expect([unpaid.calls(), unapproved.calls(), api.seen.length]).toEqual([1, 1, sent]);
  });
});

describe("Anthropic's client", () => {
  const clientWith = (asking: typeof fetch) =>
    new Anthropic({ baseURL: gateway.url, apiKey: 'key-of-the-api', fetch: asking });
  const QUESTION: Anthropic.MessageCreateParamsNonStreaming = {
    model: MODEL,
    max_tokens: 200,
    messages: [{ role: 'user', content: 'Greet the world.' }],
  };

  it('buys a whole answer at the price of its usage, and its key reaches the API', async () => {
    const payer = await approvedPayer();
    const client = clientWith(stockUptoFetch(payer.key));
    const { data, response } = await client.messages.create(QUESTION).withResponse();
    expect(data.content).toMatchObject([{ type: 'text', text: TEXT }]);
    expect(data.usage).toMatchObject({ input_tokens: USAGE.input, output_tokens: USAGE.output });
    expect(settlementOf(response)).toMatchObject({ success: true, amount: String(CHARGE) });
    expect(api.seen.at(-1)?.headers.authorization).toBe('Bearer key-of-the-api');
    await isCharged(payer);
  });

  it('buys a stream at the price of its usage', async () => {
    const payer = await approvedPayer();
    const final = await clientWith(stockUptoFetch(payer.key)).messages.stream(QUESTION).finalMessage();
    expect(final.content).toMatchObject([{ type: 'text', text: TEXT }]);
    expect(final.usage).toMatchObject({ input_tokens: USAGE.input, output_tokens: USAGE.output });
    await isCharged(payer);
  });

  it('reports the status of a refusal, and does not ask again', async () => {
    const sent = api.seen.length;
    const unpaid = counted(fetch);
    await expect(clientWith(unpaid.ask).messages.create(QUESTION)).rejects.toMatchObject({ status: 402 });
    const unapproved = counted(stockUptoFetch((await freshPayer(devnet)).key));
    await expect(clientWith(unapproved.ask).messages.create(QUESTION)).rejects.toMatchObject({ status: 412 });
    expect([unpaid.calls(), unapproved.calls(), api.seen.length]).toEqual([1, 1, sent]);
  });
});
