import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Amount } from '../../../src/domain/amount.ts';
import { type Dimension, parseRate, type Rates } from '../../../src/domain/rate.ts';
import { computeCharge } from '../../../src/metering/charge.ts';
import { dialectNamed } from '../../../src/metering/dialect/dialects.ts';
import { outputCap } from '../../../src/metering/output-cap.ts';
import { changeForMeter, type WantedCap } from '../../../src/metering/request-change.ts';

const NONE = undefined;

function capOf(family: string, tokens = 1000n): WantedCap {
  const dialect = dialectNamed(family);
  if (dialect === undefined) throw new Error(`there is no family ${family}`);
  return { limitOf: (path, model) => dialect.limit(path, model), tokens: (answers) => tokens / answers };
}

function changed(
  path: string,
  body: string | Buffer,
  cap: WantedCap | undefined,
  rawHeaders: readonly string[] = [],
): string | undefined {
  return changeForMeter({ path, cap }, { rawHeaders, body: Buffer.from(body) })?.body.toString('utf8');
}

const REFUSED = expect.objectContaining({ code: 'request_unmetered' });
const CHAT = '/v1/chat/completions';

describe('A limit of output tokens', () => {
  it.each([
    ['openai', '/v1/chat/completions', '{"model":"m"}', '{"model":"m","max_tokens":1000}'],
    ['openai', '/v1/chat/completions', '{"model":"gpt-5-mini"}', '{"model":"gpt-5-mini","max_completion_tokens":1000}'],
    ['openai', '/v1/chat/completions', '{"model":"openai/o3"}', '{"model":"openai/o3","max_completion_tokens":1000}'],
    ['openai', '/v1/completions', '{"model":"gpt-5"}', '{"model":"gpt-5","max_tokens":1000}'],
    ['openai', '/v1/chat/completions', '{"n":4}', '{"n":4,"max_tokens":250}'],
    ['openai', '/v1/completions', '{"n":2,"best_of":5}', '{"n":2,"best_of":5,"max_tokens":200}'],
    ['openai', '/v1/completions', '{"n":2,"prompt":["a","b"]}', '{"n":2,"prompt":["a","b"],"max_tokens":250}'],
    ['openai', '/v1/completions', '{"prompt":[[1,2],[3]]}', '{"prompt":[[1,2],[3]],"max_tokens":500}'],
    ['openai', '/v1/completions', '{"prompt":[1,2,3]}', '{"prompt":[1,2,3],"max_tokens":1000}'],
    ['openai', '/v1/completions', '{"prompt":[]}', '{"prompt":[],"max_tokens":1000}'],
    ['openai', '/v1/chat/completions', '{"max_tokens":null}', '{"max_tokens":1000}'],
    ['openai', '/v1/responses', '{"model":"m"}', '{"model":"m","max_output_tokens":1000}'],
    [
      'openrouter',
      '/api/v1/chat/completions',
      '{"seed":12345678901234567890}',
      '{"seed":12345678901234567890,"max_tokens":1000}',
    ],
    ['anthropic', '/v1/messages', '{"model":"m"}', '{"model":"m","max_tokens":1000}'],
    ['gemini', '/v1beta/models/m:generateContent', '{}', '{"generationConfig":{"maxOutputTokens":1000}}'],
    [
      'gemini',
      '/v1beta/models/m:streamGenerateContent',
      '{"generationConfig":{"candidateCount":2,"topK":1.0}}',
      '{"generationConfig":{"candidateCount":2,"topK":1.0,"maxOutputTokens":500}}',
    ],
    ['ollama', '/api/chat', '{"options":{"seed":1}}', '{"options":{"seed":1,"num_predict":1000}}'],
    ['ollama', '/api/generate', '{"options":{"num_predict":-1}}', '{"options":{"num_predict":1000}}'],
  ])('is written where %s reads it at %s', (family, path, body, expected) => {
    expect(changed(path, body, capOf(family))).toBe(expected);
  });

  it.each([
    ['openai', '/v1/chat/completions', '{"max_tokens":5}'],
    ['openai', '/v1/chat/completions', '{"model":"gpt-5","max_tokens":5}'],
    ['openai', '/v1/chat/completions', '{"max_completion_tokens":999999}'],
    ['openai', '/v1/responses', '{"max_output_tokens":5}'],
    ['gemini', '/v1beta/models/m:generateContent', '{"generationConfig":{"maxOutputTokens":5}}'],
    ['ollama', '/api/chat', '{"options":{"num_predict":5}}'],
    ['openai', '/v1/embeddings', '{"model":"m"}'],
    ['openai', '/v1/audio/transcriptions', '--form\r\nno JSON'],
  ])('leaves a request to %s at %s unchanged: %s', (family, path, body) => {
    expect(changed(path, body, capOf(family))).toBe(NONE);
  });

  it('is not written when no limit is wanted, or output costs nothing', () => {
    expect(changed('/v1/chat/completions', '{}', NONE)).toBe(NONE);
    expect(outputCap({ rates: ratesOf('$1/1M', undefined), max: 1_000n as Amount, decimals: 6 }, 10, 1n)).toBe(NONE);
  });

  it('is written together with the request for usage', () => {
    expect(changed('/v1/chat/completions', '{"stream":true}', capOf('openai'))).toBe(
      '{"stream":true,"max_tokens":1000,"stream_options":{"include_usage":true}}',
    );
  });

  it.each([
    ['/v1/chat/completions', '{"max_tokens":5,"max_tokens":null}'],
    ['/v1/chat/completions', '{"n":1,"n":100}'],
    ['/api/chat', '{"options":{"num_predict":5},"options":{}}'],
    ['/v1beta/models/m:generateContent', '{"generationConfig":{"maxOutputTokens":5,"maxOutputTokens":6}}'],
  ])('is refused at %s where it is there twice: %s', (path, body) => {
    expect(() => changed(path, body, capOf('openai'))).toThrow(REFUSED);
  });

  it.each([
    ['openai', '/v1/responses', "{'model': 'm'}"],
    ['anthropic', '/v1/messages', '{"model":"m",}'],
    ['gemini', '/v1beta/models/m:generateContent', '{contents: []}'],
    ['ollama', '/api/chat', '\ufeff{"model":"m"}'],
    ['ollama', '/api/generate', '{"model":"m","Options":{"num_predict":-1}}'],
  ])('is not evaded with %s at %s by a body that only a lax reader takes: %s', (family, path, body) => {
    expect(() => changed(path, body, capOf(family))).toThrow(REFUSED);
  });

  it('keeps the charge for the allowed output within the maximum, and wastes less than one token of it', () => {
    const cents = fc.bigInt(1n, 5_000n);
    fc.assert(
      fc.property(cents, cents, fc.bigInt(1n, 10_000_000n), fc.nat(4_000), (input, output, maximum, bytes) => {
        const rates = ratesOf(`$${decimal(input)}/1M`, `$${decimal(output)}/1M`);
        const max = maximum as Amount;
        const tokens = outputCap({ rates, max, decimals: 6 }, bytes, 1n);
        if (tokens === undefined) throw new Error('no limit');
        const charge = (made: bigint): bigint =>
          computeCharge(
            new Map([
              ['input', { digits: BigInt(bytes), scale: 0 }],
              ['output', { digits: made, scale: 0 }],
            ] as const),
            rates,
            { min: 0n as Amount, max: (2n ** 200n) as Amount, decimals: 6 },
          );
        const readsTooMuch = 2n * charge(0n) >= max;
        if (tokens > 1n && !readsTooMuch) expect(charge(tokens)).toBeLessThanOrEqual(max);
        if (!readsTooMuch) expect(charge(tokens + 2n * (1n + 1_000_000n / output))).toBeGreaterThan(max);
      }),
    );
  });
});

describe('A request whose usage must be told in its answer', () => {
  const deep = `${'['.repeat(600)}${']'.repeat(600)}`;
  it.each<[string, string | Buffer]>([
    ['1 for true', '{"stream":1}'],
    ['"true" for true', '{"stream":"true"}'],
    ['an object for true', '{"stream":{}}'],
    ['NaN', '{"stream":true,"x":NaN}'],
    ['a comma at the end', '{"stream":true,}'],
    ['a comment', '{"stream":true/**/}'],
    ['apostrophes', "{'stream':true}"],
    ['two values', '{}{"stream":true}'],
    ['a control character in a text', '{"stream":true,"x":"\u0001"}'],
    ['an escape that is none', '{"stream":true,"x":"\\x"}'],
    ['a byte order mark', '\ufeff{"stream":true}'],
    ['UTF-16', Buffer.from('{"stream":true}', 'utf16le')],
    ['UTF-16 with a mark', Buffer.from('\ufeff{"stream":true}', 'utf16le')],
    ['bytes that are not UTF-8', Buffer.from('{"stream":true,"x":"\xff"}', 'latin1')],
    ['nesting without end', `{"stream":true,"x":${deep}}`],
    ['a list', '[{"stream":true}]'],
    ['JSON in a text', '"{\\"stream\\":true}"'],
    ['a key in another case', '{"Stream":true}'],
    ['a key in another case beside the right one', '{"stream":false,"STREAM":true}'],
    ['a key with a letter that folds to another', '{"\u017ftream":true}'],
    ['a key that NUL ends', '{"stream\\u0000x":true}'],
    ['an inner key in another case', '{"stream":true,"stream_options":{"Include_Usage":false}}'],
    ['an outer key in another case', '{"stream":true,"Stream_Options":{"include_usage":false}}'],
    ['a key twice', '{"stream":false,"stream":true}'],
    ['a key twice, once escaped', '{"stream":false,"\\u0073tream":true}'],
    ['a flag of the background that is none', '{"background":"true"}'],
    ['the background in another case', '{"Background":true}'],
    ['no body', ''],
  ])('is refused where a lax API could read something else: %s', (_, body) => {
    for (const path of [CHAT, '/v1/completions', '/v1/responses', '/v1beta/interactions'])
      expect(() => changed(path, body, NONE)).toThrow(REFUSED);
  });

  it.each([
    ['a form', 'application/x-www-form-urlencoded'],
    ['parts', 'multipart/form-data; boundary=b'],
    ['another encoding', 'application/json; charset=utf-7'],
  ])('is refused where it is declared to be in %s', (_, type) => {
    expect(() => changed(CHAT, '{"model":"m"}', NONE, ['Content-Type', type])).toThrow(REFUSED);
  });

  it.each([
    ['nothing said', '{"model":"m"}'],
    ['null', '{"stream":null,"background":null}'],
    ['false', '{"stream":false}'],
    ['a blank before and after it', ' {"stream":false}\n'],
    ['a prompt of 8 MB', `{"prompt":"${'é'.repeat(4_000_000)}"}`],
    ['half an emoji, as JavaScript cuts texts', '{"prompt":"\\ud83d"}'],
    ['schemas of tools, nested', `{"tools":[${'{"properties":'.repeat(200)}{}${'}'.repeat(200)}]}`],
    ['names of its own', '{"metadata":{"Stream":1,"background":"x"},"tools":[{"stream":"x"}]}'],
    ['a key that a prototype has', '{"__proto__":{"stream":1},"constructor":1}'],
    ['numbers that no double holds', '{"seed":12345678901234567890,"temperature":1e999}'],
  ])('goes on as it came with %s', (_, body) => {
    const declared = ['Content-Type', 'application/json; charset=UTF-8'];
    expect(changed(CHAT, body, NONE, declared)).toBe(NONE);
    expect(changed('/v1/responses', body, NONE, declared)).toBe(NONE);
  });

  it.each([
    ['{"stream":true,"x":"\\ud83d"}', '{"stream":true,"x":"\\ud83d","stream_options":{"include_usage":true}}'],
    ['{"\\u0073tream":true}', '{"stream":true,"stream_options":{"include_usage":true}}'],
    ['{"stream":true,"stream_options":null}', '{"stream":true,"stream_options":{"include_usage":true}}'],
    ['{"stream":true,"stream_options":[]}', '{"stream":true,"stream_options":{"include_usage":true}}'],
    [
      '{"stream":true,"stream_options":{"include_usage":"true","x":1}}',
      '{"stream":true,"stream_options":{"include_usage":true,"x":1}}',
    ],
  ])('asks for it: %s', (body, expected) => {
    expect(changed(CHAT, body, NONE)).toBe(expected);
  });
});

describe('A request whose usage is always told', () => {
  it.each<[string, string | Buffer, string?]>([
    [
      '/v1/audio/transcriptions',
      Buffer.from('--b\r\n\xff{"stream":true}', 'latin1'),
      'multipart/form-data; boundary=b',
    ],
    ['/v1/images/edits', '--b\r\n', 'multipart/form-data; boundary=b'],
    ['/v1/images/generations', '{"background":"transparent","stream":true}'],
    ['/v1/messages', '\ufeff{"stream":true}'],
    ['/v1beta/models/m:generateContent', '{contents: []}'],
    ['/api/chat', "{'stream':1}"],
  ])('goes on as it came to %s, whatever it is', (path, body, type) => {
    expect(changed(path, body, NONE, type === undefined ? [] : ['Content-Type', type])).toBe(NONE);
  });
});

function decimal(cents: bigint): string {
  return `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
}

function ratesOf(input: string, output: string | undefined): Rates {
  const entries: [Dimension, string][] =
    output === undefined
      ? [['input', input]]
      : [
          ['input', input],
          ['output', output],
        ];
  return new Map(
    entries.map(([dimension, text]) => {
      const rate = parseRate(text, dimension, { kind: 'usd' });
      if (rate === undefined) throw new Error(`${text} is no rate`);
      return [dimension, rate] as const;
    }),
  );
}

describe('A way past the gateway, whose use no answer tells,', () => {
  it.each([
    '/v1/realtime/client_secrets',
    '/v1/realtime/sessions',
    '/openai/v1/realtime/calls',
    '/v1/realtime/transcription_sessions',
    '/v1/chatkit/sessions',
    '/v1alpha/auth_tokens',
  ])('is refused: %s', (path) => {
    expect(() => changed(path, '{}', NONE)).toThrow(REFUSED);
  });

  it.each(['/v1/sessions', '/v1/realtime', '/realtime/sessions/chat'])('is not every path: %s', (path) => {
    expect(changed(path, '{}', NONE)).toBeUndefined();
  });
});

describe('A job, whose use no answer of its own tells,', () => {
  it.each([
    '/v1/batches',
    '/v1/messages/batches',
    '/v1/batch/jobs',
    '/v1/fine_tuning/jobs',
    '/v1beta/models/m:batchGenerateContent',
    '/v1beta/models/m:batchgeneratecontent',
    '/v1beta/models/m:asyncBatchEmbedContent',
    '/v1beta/models/m:predictLongRunning',
  ])('is refused at %s, whatever its body is', (path) => {
    expect(() => changed(path, '{}', NONE)).toThrow(REFUSED);
    expect(() => changed(path, 'no JSON', NONE)).toThrow(REFUSED);
  });

  it.each([
    '/v1/batches/batch_1/cancel',
    '/v1beta/models/m:batchEmbedContents',
    '/batches/chat',
    '/v1/embeddings',
  ])('is not what begins at %s', (path) => {
    expect(changed(path, '{}', NONE)).toBeUndefined();
  });
});
