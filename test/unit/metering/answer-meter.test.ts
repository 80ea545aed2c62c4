import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { formatDecimal } from '../../../src/domain/decimal.ts';
import type { Metered } from '../../../src/domain/metered-price.ts';
import { DIALECT_SAMPLES, sse } from '../../support/metering/answers.ts';
import { family, meterAnswer, type SampleAnswer } from '../../support/metering/meter-answer.ts';

const JSON_TYPE = 'application/json';
const SSE_TYPE = 'text/event-stream';

describe.each(DIALECT_SAMPLES)('$name', ({ meter, answer, model, figures, tail }) => {
  it('reports each figure once', () => {
    expect(told(meterAnswer(meter, answer).metered)).toEqual({ model, figures });
  });

  it('reaches the buyer byte for byte, its end last', () => {
    const { forwarded, held } = meterAnswer(meter, answer);
    expect(Buffer.concat([forwarded, held])).toEqual(Buffer.from(answer.body));
    if (tail !== undefined) expect(held.toString()).toBe(tail);
  });
});

describe('An answer that does not report its usage', () => {
  it.each<[string, SampleAnswer, string]>([
    ['is null everywhere', { contentType: SSE_TYPE, body: sse([{ choices: [], usage: null }, '[DONE]']) }, 'no_usage'],
    [
      'is compressed all the same',
      { contentType: JSON_TYPE, contentEncoding: 'gzip', body: gzipSync('{}') },
      'compressed',
    ],
    ['is no JSON', { contentType: JSON_TYPE, body: '{"usage":{"prompt_tokens":1,"completion_tokens":1' }, 'unreadable'],
    ['is no JSON type', { contentType: 'text/html', body: 'usage' }, 'media_type'],
    [
      'has its usage twice',
      body('{"usage":{"prompt_tokens":9,"completion_tokens":9},"usage":{"prompt_tokens":0,"completion_tokens":0}}'),
      'duplicate_key',
    ],
    [
      'has a figure twice, once escaped',
      body('{"usage":{"prompt_tokens":9,"prompt\\u005ftokens":0,"completion_tokens":9}}'),
      'duplicate_key',
    ],
    ['is negative', body(usage('-1')), 'bad_figure'],
    ['is a fraction', body(usage('1.5')), 'bad_figure'],
    ['is a word', body(usage('"many"')), 'bad_figure'],
    ['is beyond reason', body(usage(`1${'0'.repeat(90)}`)), 'bad_figure'],
    ['has no output', body('{"object":"chat.completion","usage":{"prompt_tokens":1}}'), 'bad_figure'],
    [
      'prints usage inside of an object',
      body('{"choices":[{"message":{"usage":{"prompt_tokens":1,"completion_tokens":1}}}]}'),
      'no_usage',
    ],
  ])('is told apart: it %s', (_, answer, reason) => {
    expect(meterAnswer(family('openai'), answer).metered).toMatchObject({ kind: 'missing', reason });
  });
});

describe('Figures', () => {
  it('are read as text: 2^53 and one more', () => {
    const { metered } = meterAnswer(family('openai'), body(usage('9007199254740993')));
    expect(told(metered).figures['input']).toBe('9007199254740993');
  });

  it('of an event of 2 MB count, and the event goes on', () => {
    const event = {
      choices: [{ delta: { content: 'x'.repeat(2_000_000) } }],
      usage: { prompt_tokens: 2, completion_tokens: 3 },
    };
    const answer = { contentType: SSE_TYPE, body: sse([event, '[DONE]']) };
    const { metered, forwarded, held } = meterAnswer(family('openai'), answer, [500_000, 1_000_000, 1_500_000]);
    expect(told(metered).figures).toEqual({ input: '2', cachedInput: '0', output: '3' });
    expect(Buffer.concat([forwarded, held]).toString()).toBe(answer.body);
    expect(held.toString()).toBe(sse(['[DONE]']));
  });

  it('that come again replace the earlier ones, each separately', () => {
    const events = [
      { usage: { prompt_tokens: 5, completion_tokens: 1 } },
      { usage: { prompt_tokens: null, completion_tokens: 4 } },
    ];
    const { metered } = meterAnswer(family('openai'), { contentType: SSE_TYPE, body: sse(events) });
    expect(told(metered).figures).toEqual({ input: '5', cachedInput: '0', output: '4' });
  });

  it('are not counted where the stream says that it failed', () => {
    const events = [{ usage: { prompt_tokens: 5, completion_tokens: 1 } }, { error: { message: 'overloaded' } }];
    const { metered } = meterAnswer(family('openai'), { contentType: SSE_TYPE, body: sse(events) });
    expect(metered).toEqual({ kind: 'failed' });
  });

  it('of a header are units, and a repeated header has none', () => {
    const meter = { kind: 'header', name: 'x-cost' } as const;
    const answer = { contentType: 'text/plain', body: 'x' };
    expect(told(meterAnswer(meter, { ...answer, headers: { 'x-cost': ' 12.5 ' } }).metered).figures).toEqual({
      unit: '12.5',
    });
    expect(meterAnswer(meter, { ...answer, headers: { 'x-cost': '1, 2' } }).metered.kind).toBe('missing');
    expect(meterAnswer(meter, answer).metered.kind).toBe('missing');
  });

  it('of bytes are those of the body', () => {
    expect(
      told(meterAnswer({ kind: 'bytes' }, { contentType: 'image/png', body: 'xyz' }, [1]).metered).figures,
    ).toEqual({ bytes: '3' });
  });
});

describe('A stream that never ends', () => {
  it('keeps no more than its last event, however much comes', () => {
    const event = Buffer.from(sse([{ choices: [{ delta: { content: 'y'.repeat(1_000) } }] }]));
    const { forwarded, held } = meterAnswer(family('openai'), {
      contentType: SSE_TYPE,
      body: Buffer.concat(Array(2_000).fill(event)),
    });
    expect(forwarded.length + held.length).toBe(event.length * 2_000);
    expect(held.length).toBe(0);
  });

  it('that goes on after its end releases the part held back', () => {
    const body = sse(['[DONE]', { choices: [] }, { choices: [] }]);
    expect(meterAnswer(family('openai'), { contentType: SSE_TYPE, body }).forwarded.toString()).toBe(body);
  });
});

function body(text: string): SampleAnswer {
  return { contentType: JSON_TYPE, body: text };
}

function usage(promptTokens: string): string {
  return `{"usage":{"prompt_tokens":${promptTokens},"completion_tokens":1}}`;
}

function told(metered: Metered): { model: string | undefined; figures: Record<string, string> } {
  if (metered.kind !== 'used') throw new Error(`nothing was told: ${JSON.stringify(metered)}`);
  const figures = [...metered.figures].map(([dimension, count]) => [dimension, formatDecimal(count)]);
  return { model: metered.model, figures: Object.fromEntries(figures) };
}
