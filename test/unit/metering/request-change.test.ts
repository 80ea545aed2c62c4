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

function changed(path: string, body: string, cap: WantedCap | undefined): string | undefined {
  return changeForMeter({ path, cap }, Buffer.from(body))?.toString('utf8');
}

describe('A limit of output tokens', () => {
  it.each([
    ['openai', '/v1/chat/completions', '{"model":"m"}', '{"model":"m","max_tokens":1000}'],
    ['openai', '/v1/chat/completions', '{"model":"gpt-5-mini"}', '{"model":"gpt-5-mini","max_completion_tokens":1000}'],
    ['openai', '/v1/chat/completions', '{"model":"openai/o3"}', '{"model":"openai/o3","max_completion_tokens":1000}'],
    ['openai', '/v1/completions', '{"model":"gpt-5"}', '{"model":"gpt-5","max_tokens":1000}'],
    ['openai', '/v1/chat/completions', '{"n":4}', '{"n":4,"max_tokens":250}'],
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
    ['openai', '/v1/chat/completions', 'no JSON'],
    ['openai', '/v1/chat/completions', '[1]'],
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
    expect(() => changed(path, body, capOf('openai'))).toThrow(expect.objectContaining({ code: 'request_unmetered' }));
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
