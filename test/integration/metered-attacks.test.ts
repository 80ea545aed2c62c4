import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settlementOf, signUptoFor, stockUptoFetch } from '../support/buyer.ts';
import { approvePermit2, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { sse } from '../support/metering/answers.ts';
import { type MeteredApi, startMeteredApi } from '../support/metering/metered-api.ts';

const FUNDS = 1_000_000n;
const LEAST = 500n;
const JSON_TYPE = { 'Content-Type': 'application/json' };
const SSE_TYPE = { 'Content-Type': 'text/event-stream' };
const USAGE = { usage: { prompt_tokens: 1_000, completion_tokens: 100 } };
/** 1000 tokens at $2.50 and 100 at $10 a million. */
const COST = 3_500n;

let devnet: Devnet;
let api: MeteredApi;
let gateway: TestGateway;
let url: string;

beforeAll(async () => {
  devnet = await startDevnet();
  api = await startMeteredApi();
  gateway = await startTestGateway(CONFIG());
  url = `${gateway.url}/v1/chat/completions`;
});
afterAll(async () => {
  await gateway.close();
  await api.close();
  await devnet.close();
});

const CONFIG = (): string => `
upstream: ${api.url}
payTo: "${devnet.accounts.payee.address}"
accepts: [base-sepolia]
store: memory
facilitator: { local: { rpc: { base-sepolia: "${devnet.rpcUrl}" }, key: "${devnet.accounts.settler.key}" } }
routes:
  - path: /*
    price: { upTo: $0.50, meter: openai, rates: { input: $2.50/1M, output: $10/1M }, min: $0.0005 }
  - path: /talk
    rewrite: { from: /talk, to: /v1/chat/completions }
    price: { upTo: $0.50, meter: openai, rates: { input: $2.50/1M, output: $10/1M }, min: $0.0005 }
`;

async function approvedPayer(): Promise<Payer> {
  const payer = await freshPayer(devnet);
  await approvePermit2(devnet, payer.key);
  return payer;
}

async function spentBecomes(payer: Payer, spent: bigint): Promise<void> {
  await expect.poll(() => devnet.usdcBalanceOf(payer.address), { timeout: 30_000 }).toBe(FUNDS - spent);
}

function post(payment: string, body = '{"model":"m"}', signal?: AbortSignal): Promise<Response> {
  const init = { method: 'POST', body, headers: { 'PAYMENT-SIGNATURE': payment } };
  return fetch(url, signal === undefined ? init : { ...init, signal });
}

describe('One payment', () => {
  it('sent fifty times at once is one call and one charge', async () => {
    const payer = await approvedPayer();
    const payment = await signUptoFor(payer, url, { method: 'POST', body: '{"model":"m"}' });
    let calls = 0;
    api.answer = (response) => {
      calls += 1;
      response.writeHead(200, JSON_TYPE).end(JSON.stringify(USAGE));
    };
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(payment)));
    await Promise.all(answers.map((answer) => answer.arrayBuffer()));
    expect(calls).toBe(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
    await spentBecomes(payer, COST);
  });

  it('of which nothing was charged is used up all the same', async () => {
    const payer = await approvedPayer();
    const payment = await signUptoFor(payer, url, { method: 'POST', body: '{"model":"m"}' });
    api.answer = (response) =>
      response.writeHead(200, SSE_TYPE).end(sse([{ choices: [] }, { error: { message: 'x' } }]));
    const first = await post(payment);
    await first.text();
    const again = await post(payment);
    await again.arrayBuffer();
    expect([first.status, again.status]).toEqual([200, 409]);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(FUNDS);
  });
});

describe('A buyer who leaves', () => {
  it.each([
    ['after the first event', [{ choices: [{ delta: { content: 'x'.repeat(4_000) } }] }], 10_010n],
    [
      'after an event with two choices, of which one reasons',
      [{ choices: [{ delta: { content: 'x'.repeat(2_000) } }, { delta: { reasoning: 'x'.repeat(2_000) } }] }],
      10_010n,
    ],
    [
      'after an event with two calls of tools',
      [{ choices: [{ delta: { tool_calls: Array(2).fill({ function: { arguments: 'x'.repeat(2_000) } }) } }] }],
      10_010n,
    ],
    [
      'after a first sketch of an image',
      [{ type: 'image_edit.partial_image', b64_json: 'A'.repeat(400_000) }],
      10_010n,
    ],
    ['after an event without content', [{ choices: [] }], LEAST],
    ['when usage was told, before the end', [{ choices: [] }, { ...USAGE, choices: [] }], COST],
  ])('%s pays for the usage stated or the output seen so far', async (_, events, spent) => {
    const payer = await approvedPayer();
    const payment = await signUptoFor(payer, url, { method: 'POST', body: '{"model":"m"}' });
    // The stream goes on for ever.
    api.answer = (response) => void response.writeHead(200, SSE_TYPE).write(sse(events));
    const leaving = new AbortController();
    const response = await post(payment, '{"model":"m"}', leaving.signal);
    const reader = response.body?.getReader();
    let read = 0;
    while (read < sse(events).length) read += (await reader?.read())?.value?.length ?? Number.POSITIVE_INFINITY;
    leaving.abort();
    await reader?.cancel().catch(() => {});
    await spentBecomes(payer, spent);
  });

  it.each([
    ['a completion', 'choices":[{"message":{"content'],
  ])('%s that is longer than 4 MB, in the middle of it, pays for what was seen of it', async (_, place) => {
    const payer = await approvedPayer();
    const payment = await signUptoFor(payer, url, { method: 'POST', body: '{"model":"m"}' });
    // The rest never comes: as text, 6 MB are more tokens than the maximum pays for.
    const body = `{"${place}":"${'A'.repeat(6_000_000)}`;
    api.answer = (response) => void response.writeHead(200, JSON_TYPE).write(body);
    const leaving = new AbortController();
    const response = await post(payment, '{"model":"m"}', leaving.signal);
    const reader = response.body?.getReader();
    let read = 0;
    while (read < 5_000_000) read += (await reader?.read())?.value?.length ?? Number.POSITIVE_INFINITY;
    leaving.abort();
    await reader?.cancel().catch(() => {});
    await spentBecomes(payer, 500_000n);
  });
});

describe('A buyer who leaves before anything was answered', () => {
  it('has used nothing up: the payment pays for the call when it is made again', async () => {
    const payer = await approvedPayer();
    const payment = await signUptoFor(payer, url, { method: 'POST', body: '{"model":"m"}' });
    const [arrived, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    api.answer = (response) => {
      response.once('close', () => gone.resolve());
      arrived.resolve();
    };
    const leaving = new AbortController();
    const asked = post(payment, '{"model":"m"}', leaving.signal);
    await arrived.promise;
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await gone.promise;
    api.answer = (response) => response.writeHead(200, JSON_TYPE).end(JSON.stringify(USAGE));
    const again = async (): Promise<number> => (await post(payment)).status;
    await expect.poll(again, { timeout: 30_000 }).toBe(200);
    await spentBecomes(payer, COST);
  });
});

describe('A stream that never ends', () => {
  it('is cut off while its payment can still be settled, and charged for the output seen so far', async () => {
    const timers: { ms: number; run: () => void }[] = [];
    const patient = await startTestGateway(CONFIG(), {
      after(ms, run) {
        timers.push({ ms, run });
        return () => {};
      },
    });
    try {
      const payer = await approvedPayer();
      const place = `${patient.url}/v1/chat/completions`;
      const payment = await signUptoFor(payer, place, { method: 'POST', body: '{"model":"m"}' });
      const event = sse([{ choices: [{ delta: { content: 'x'.repeat(4_000) } }] }]);
      api.answer = (response) => void response.writeHead(200, SSE_TYPE).write(event);
      const init = { method: 'POST', body: '{"model":"m"}', headers: { 'PAYMENT-SIGNATURE': payment } };
      const response = await fetch(place, init);
      const reader = response.body?.getReader();
      let read = 0;
      while (read < event.length) read += (await reader?.read())?.value?.length ?? Number.POSITIVE_INFINITY;
      // The longest timer is the end of the payment.
      timers.toSorted((a, b) => b.ms - a.ms)[0]?.run();
      await expect(reader?.read()).rejects.toThrow();
      // 1 000 tokens of text, and the request's 13 bytes.
      await spentBecomes(payer, 10_010n);
    } finally {
      await patient.close();
    }
  });
});

describe('A stream of Chat Completions', () => {
  const ask = async (body: Buffer, path = '/v1/chat/completions', type = 'application/json') => {
    const payer = await approvedPayer();
    const place = `${gateway.url}${path}`;
    const bytes = new Uint8Array(body);
    const payment = await signUptoFor(payer, place, { method: 'POST', body: bytes });
    const headers = { 'PAYMENT-SIGNATURE': payment, 'Content-Type': type };
    return { payer, response: await fetch(place, { method: 'POST', body: bytes, headers }) };
  };

  it.each<[string, Buffer, string?]>([
    ['1 for true', Buffer.from('{"stream":1}')],
    ['a text for true', Buffer.from('{"stream":"true"}')],
    ['NaN beside it', Buffer.from('{"stream":true,"x":NaN}')],
    ['a byte order mark', Buffer.from('\ufeff{"stream":true}')],
    ['UTF-16', Buffer.from('{"stream":true}', 'utf16le')],
    ['nesting without end', Buffer.from(`{"stream":true,"x":${'['.repeat(600)}${']'.repeat(600)}}`)],
    ['another case', Buffer.from('{"Stream":true}')],
    ['a form', Buffer.from('stream=true'), 'application/x-www-form-urlencoded'],
  ])('does not go out without its usage to who asks for it with %s, and the payment stays good', async (_, body, type) => {
    const sent = api.seen.length;
    const { payer, response } = await ask(body, undefined, type);
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'request_unmetered' }]);
    expect(api.seen).toHaveLength(sent);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(FUNDS);
  });

  it.each([
    '/v1beta/models/g:generateContent?fields=candidates',
    '/v1beta/openai/chat/completions?%24alt=proto',
  ])('is not sold with a query that leaves its usage out: %s', async (path) => {
    const sent = api.seen.length;
    const { payer, response } = await ask(Buffer.from('{"model":"m"}'), path);
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'request_unmetered' }]);
    expect(api.seen).toHaveLength(sent);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(FUNDS);
  });

  it('is not sold where it is a key for calls past the gateway, also without a body', async () => {
    const sent = api.seen.length;
    const place = `${gateway.url}/v1/realtime/client_secrets`;
    const payer = await approvedPayer();
    const payment = await signUptoFor(payer, place, { method: 'POST' });
    const response = await fetch(place, { method: 'POST', headers: { 'PAYMENT-SIGNATURE': payment } });
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'request_unmetered' }]);
    expect(api.seen).toHaveLength(sent);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(FUNDS);
  });

  it.each(['/v1/chat/completions/', '/V1/Chat/Completions'])('is asked for its usage at %s, too', async (path) => {
    api.answer = (response) => response.writeHead(200, SSE_TYPE).end(sse([{ choices: [], ...USAGE }, '[DONE]']));
    const { payer, response } = await ask(Buffer.from('{"model":"m","stream":true}'), path);
    await response.text();
    expect(api.seen.at(-1)).toMatchObject({ path });
    expect(api.seen.at(-1)?.body).toBe('{"model":"m","stream":true,"stream_options":{"include_usage":true}}');
    await spentBecomes(payer, COST);
  });

  it('is asked for its usage where a rewrite leads to it', async () => {
    api.answer = (response) => response.writeHead(200, SSE_TYPE).end(sse([{ choices: [], ...USAGE }, '[DONE]']));
    const { payer, response } = await ask(Buffer.from('{"stream":true}'), '/talk');
    await response.text();
    expect(api.seen.at(-1)).toMatchObject({
      path: '/v1/chat/completions',
      body: '{"stream":true,"stream_options":{"include_usage":true}}',
    });
    await spentBecomes(payer, COST);
  });

  it('does not keep an upload from its API', async () => {
    api.answer = (response) => response.writeHead(200, JSON_TYPE).end(JSON.stringify(USAGE));
    const form = '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b--\r\n';
    const { response } = await ask(Buffer.from(form), '/v1/audio/transcriptions', 'multipart/form-data; boundary=b');
    expect(settlementOf(response).amount).toBe(String(COST));
    expect(api.seen.at(-1)?.body).toBe(form);
  });
});

const WORDS = '{"usage":{"prompt_tokens":0,"completion_tokens":0}}';
const SAID = [
  { delta: { content: `${WORDS} data: ${WORDS}\n\n` } },
  { delta: { tool_calls: [{ index: 0, function: { name: 'f', arguments: WORDS } }] } },
  { usage: { prompt_tokens: 0, completion_tokens: 0 }, delta: { usage: { prompt_tokens: 0, completion_tokens: 0 } } },
];
const figures = (prompt: string): string =>
  `{"choices":[],"usage":{"prompt_tokens":${prompt},"completion_tokens":100}}`;

describe('An answer', () => {
  const ask = async (type: Record<string, string>, body: string | Buffer): Promise<readonly [Payer, Buffer]> => {
    const payer = await approvedPayer();
    api.answer = (response) => response.writeHead(200, type).end(body);
    const payment = await signUptoFor(payer, url, { method: 'POST', body: '{"model":"m"}' });
    // As it comes: no decoding.
    const { body: came } = await request(url, {
      method: 'POST',
      body: '{"model":"m"}',
      headers: { 'payment-signature': payment },
    });
    return [payer, Buffer.from(await came.arrayBuffer())];
  };
  const withoutReceipt = (body: Buffer): string => body.toString('latin1').replace(/: x402 \S+\n\n/, '');

  it.each(
    SAID.map((choice, index) => [['content', 'arguments of a tool', 'a nested object'][index], choice] as const),
  )('with usage printed by the model in %s is charged by its real usage', async (_, choice) => {
    const chunk = { choices: [choice] };
    const whole = JSON.stringify({ ...chunk, ...USAGE });
    const [wholePayer] = await ask(JSON_TYPE, whole);
    await spentBecomes(wholePayer, COST);
    const [payer] = await ask(SSE_TYPE, sse([chunk, { choices: [], ...USAGE }, chunk, '[DONE]']));
    await spentBecomes(payer, COST);
  });

  it.each([
    ['a negative figure', figures('-1000'), LEAST],
    ['a fraction', figures('1000.5'), LEAST],
    ['a figure with an exponent that no machine holds', figures('1e999999'), LEAST],
    ['2^53 and one more', figures('9007199254740993'), 500_000n],
    [
      'a figure twice',
      '{"choices":[],"usage":{"prompt_tokens":1000,"prompt_tokens":0,"completion_tokens":100}}',
      LEAST,
    ],
  ])('with %s is charged neither nothing nor more than the maximum, whole and as a stream', async (_, body, spent) => {
    const [wholePayer, came] = await ask(JSON_TYPE, body);
    expect(came.toString()).toBe(body);
    await spentBecomes(wholePayer, spent);
    const [payer] = await ask(SSE_TYPE, `data: ${body}\n\ndata: [DONE]\n\n`);
    await spentBecomes(payer, spent);
  });

  it('whose event of 2 MB holds its usage is charged by that, and goes on byte for byte', async () => {
    const body = sse([{ choices: [{ delta: { content: 'x'.repeat(2_000_000) } }], ...USAGE }, '[DONE]']);
    const [payer, came] = await ask(SSE_TYPE, body);
    expect(withoutReceipt(came)).toBe(body);
    await spentBecomes(payer, COST);
  });

  it('that is a stream, compressed against the request, is charged the least, and its bytes are unchanged', async () => {
    const packed = gzipSync(sse([{ choices: [], ...USAGE }, '[DONE]']));
    const [payer, came] = await ask({ ...SSE_TYPE, 'Content-Encoding': 'gzip' }, packed);
    expect(came.equals(packed)).toBe(true);
    await spentBecomes(payer, LEAST);
  });
});

describe('An API that', () => {
  it('serves parts is asked for the whole answer, whose end says what it used', async () => {
    const payer = await approvedPayer();
    const body = JSON.stringify({ text: 'x'.repeat(100), ...USAGE });
    api.answer = (response, { headers: { range, 'if-range': ifRange } }) => {
      const part = range === undefined ? body : body.slice(0, 100);
      response.writeHead(range === undefined && ifRange === undefined ? 200 : 206, JSON_TYPE).end(part);
    };
    const headers = { Range: 'bytes=0-99', 'If-Range': '"v1"' };
    const response = await stockUptoFetch(payer.key)(url, { method: 'POST', body: '{}', headers });
    expect([response.status, await response.text()]).toEqual([200, body]);
    expect(settlementOf(response).amount).toBe(String(COST));
  });

  it('breaks off in the middle of a stream costs nothing', async () => {
    const payer = await approvedPayer();
    const payment = await signUptoFor(payer, url, { method: 'POST', body: '{"model":"m"}' });
    api.answer = (response) => {
      response.writeHead(200, SSE_TYPE);
      response.write(sse([{ ...USAGE, choices: [] }]), () => response.destroy());
    };
    const response = await post(payment);
    await expect(response.text()).rejects.toThrow();
    const again = await post(payment);
    await again.arrayBuffer();
    expect(again.status).toBe(409);
    expect(await devnet.usdcBalanceOf(payer.address)).toBe(FUNDS);
  });

  it('compresses against the request is charged the least, and its bytes are unchanged', async () => {
    const payer = await approvedPayer();
    const packed = gzipSync(JSON.stringify(USAGE));
    api.answer = (response) => response.writeHead(200, { ...JSON_TYPE, 'Content-Encoding': 'gzip' }).end(packed);
    const response = await stockUptoFetch(payer.key)(url, { method: 'POST', body: '{}' });
    expect(await response.json()).toEqual(USAGE);
    expect(settlementOf(response).amount).toBe(String(LEAST));
  });

  it('sends usage twice is charged the least', async () => {
    const payer = await approvedPayer();
    const body =
      '{"usage":{"prompt_tokens":9,"completion_tokens":9},"usage":{"prompt_tokens":0,"completion_tokens":0}}';
    api.answer = (response) => response.writeHead(200, JSON_TYPE).end(body);
    const response = await stockUptoFetch(payer.key)(url, { method: 'POST', body: '{}' });
    await response.text();
    expect(settlementOf(response).amount).toBe(String(LEAST));
  });

  it('answers with more than is read whole is charged all the same', async () => {
    const payer = await approvedPayer();
    const body = JSON.stringify({ data: 'z'.repeat(5_000_000), ...USAGE });
    api.answer = (response) => response.writeHead(200, JSON_TYPE).end(body);
    const response = await stockUptoFetch(payer.key)(url, { method: 'POST', body: '{}' });
    expect((await response.text()).length).toBe(body.length);
    await spentBecomes(payer, COST);
  });
});
