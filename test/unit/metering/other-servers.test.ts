import { describe, expect, it } from 'vitest';
import { formatDecimal } from '../../../src/domain/decimal.ts';
import type { Metered } from '../../../src/domain/metered-price.ts';
import { sse } from '../../support/metering/answers.ts';
import { family, meterAnswer } from '../../support/metering/meter-answer.ts';

/* How servers that speak a dialect state their use in another way than its author. */

type Told = Readonly<Record<string, string>>;

describe('Counts that stand beside others', () => {
  it.each<[string, object, Told]>([
    [
      'reasoning of xAI, which the output does not hold',
      { ...chat(32, 9), total_tokens: 135, completion_tokens_details: { reasoning_tokens: 94 } },
      { input: '32', cachedInput: '0', output: '103' },
    ],
    [
      'reasoning of xAI, with a part of the input from a cache',
      {
        ...chat(10_120, 1_499),
        total_tokens: 14_428,
        prompt_tokens_details: { cached_tokens: 128 },
        completion_tokens_details: { reasoning_tokens: 2_809 },
      },
      { input: '9992', cachedInput: '128', output: '4308' },
    ],
    [
      'thoughts of Gemini behind a shim, without any text',
      { ...chat(21, 0), total_tokens: 81, completion_tokens_details: { reasoning_tokens: 60 } },
      { input: '21', cachedInput: '0', output: '60' },
    ],
    [
      'cached input that the input does not hold',
      { ...chat(40, 5), total_tokens: 75, prompt_tokens_details: { cached_tokens: 30 } },
      { input: '40', cachedInput: '30', output: '5' },
    ],
    [
      'cached input that is more than the input, without a total',
      { ...chat(40, 5), prompt_tokens_details: { cached_tokens: 90 } },
      { input: '40', cachedInput: '90', output: '5' },
    ],
    [
      'both',
      {
        ...chat(40, 5),
        total_tokens: 175,
        prompt_tokens_details: { cached_tokens: 90 },
        completion_tokens_details: { reasoning_tokens: 40 },
      },
      { input: '40', cachedInput: '90', output: '45' },
    ],
  ])('count: %s', (_, usage, figures) => {
    expect(toldBy('openai', { object: 'chat.completion', usage })).toEqual(figures);
  });

  it.each<[string, object, Told]>([
    [
      'reasoning of OpenAI',
      { ...chat(32, 103), total_tokens: 135, completion_tokens_details: { reasoning_tokens: 94 } },
      { input: '32', cachedInput: '0', output: '103' },
    ],
    [
      'reasoning, where no total shows that it is apart',
      { ...chat(32, 9), completion_tokens_details: { reasoning_tokens: 94 } },
      { input: '32', cachedInput: '0', output: '9' },
    ],
    [
      'what a total holds that nothing else names',
      { ...chat(4, 635), total_tokens: 3_404, prompt_audio_seconds: 203 },
      { input: '4', cachedInput: '0', output: '635' },
    ],
    [
      'a total that is no number',
      { ...chat(32, 9), total_tokens: 'many', completion_tokens_details: { reasoning_tokens: -1 } },
      { input: '32', cachedInput: '0', output: '9' },
    ],
  ])('are not added where they are a part, or nobody knows: %s', (_, usage, figures) => {
    expect(toldBy('openai', { object: 'chat.completion', usage })).toEqual(figures);
  });

  it.each([
    'gemini-3-flash-preview',
    'models/gemini-2.5-pro',
    'google/gemini-2.5-flash',
  ])('count where the total alone holds them, as thoughts of %s do at Google’s own endpoint', (model) => {
    const events = [
      { model, choices: [{ delta: { content: '1' } }], usage: { ...chat(9, 1), total_tokens: 103 } },
      { model, choices: [{ finish_reason: 'length' }], usage: { ...chat(9, 3), total_tokens: 105 } },
      '[DONE]',
    ];
    expect(toldByStream('openai', events)).toEqual({ input: '9', cachedInput: '0', output: '96' });
    const usage = { ...chat(40, 5), total_tokens: 75, prompt_tokens_details: { cached_tokens: 30 } };
    expect(toldBy('openai', { model, object: 'chat.completion', usage })).toEqual({
      input: '40',
      cachedInput: '30',
      output: '5',
    });
    const thoughtless = { ...chat(9, 3), total_tokens: 12 };
    expect(toldBy('openai', { model, object: 'chat.completion', usage: thoughtless })).toMatchObject({ output: '3' });
  });

  it('count in Responses, too', () => {
    const usage = {
      input_tokens: 32,
      output_tokens: 9,
      output_tokens_details: { reasoning_tokens: 94 },
      total_tokens: 135,
    };
    const figures = { input: '32', cachedInput: '0', output: '103' };
    expect(toldBy('openai', { object: 'response', usage })).toEqual(figures);
    expect(toldBy('openai', { type: 'response.completed', response: { usage } })).toEqual(figures);
  });
});

describe('Calls of models within one call of Anthropic', () => {
  const compaction = { type: 'compaction', input_tokens: 180_000, output_tokens: 3_500, cache_read_input_tokens: 40 };
  const advisor = { type: 'advisor_message', model: 'm', input_tokens: 823, output_tokens: 1_612 };
  const message = { type: 'message', input_tokens: 23_000, output_tokens: 1_000 };
  const declined = { type: 'fallback_message', input_tokens: 9, output_tokens: 9 };
  const sums = { input_tokens: 23_000, cache_creation_input_tokens: 7, output_tokens: 1_000 };

  it.each<[string, readonly object[], Told]>([
    [
      'a summary and an advisor are billed beside the sums',
      [compaction, message, { ...advisor, cache_creation_input_tokens: 5 }],
      { input: '203823', cachedInput: '40', cacheWrite: '12', output: '6112' },
    ],
    [
      'others are in them',
      [message, message, declined],
      { input: '23000', cachedInput: '0', cacheWrite: '7', output: '1000' },
    ],
    ['none say nothing', [], { input: '23000', cachedInput: '0', cacheWrite: '7', output: '1000' }],
  ])('count: %s', (_, iterations, figures) => {
    const usage = { ...sums, iterations };
    expect(toldBy('anthropic', { type: 'message', usage })).toEqual(figures);
    const begun = { type: 'message_start', message: { usage: { input_tokens: 25, output_tokens: 1, iterations: [] } } };
    const delta = { type: 'message_delta', delta: { stop_reason: 'end_turn' } };
    const early = { ...delta, usage: { output_tokens: 1, iterations: iterations.slice(0, 1) } };
    const events = [begun, early, { ...delta, usage }, { type: 'message_stop' }];
    expect(toldByStream('anthropic', events)).toEqual(figures);
  });

  it('are missing usage where a count is none', () => {
    const usage = { ...sums, iterations: [{ ...compaction, input_tokens: -1 }] };
    expect(() => toldBy('anthropic', { type: 'message', usage })).toThrow('bad_figure');
  });
});

describe('What OpenRouter charged', () => {
  const of = (usage: object): Told =>
    toldBy('openrouter', { object: 'chat.completion', usage: { ...chat(9, 1), ...usage } });

  it('is the fee and what the vendor bills, where the key is the customer’s own', () => {
    const vendor = { cost_details: { upstream_inference_cost: 0.0360795 } };
    expect(of({ cost: 0, is_byok: true, ...vendor })).toMatchObject({ cost: '0.0360795' });
    expect(of({ cost: 1.8e-3, is_byok: true, ...vendor })).toMatchObject({ cost: '0.0378795' });
    const usage = { input_tokens: 9, output_tokens: 1, cost: 0, is_byok: true, ...vendor };
    expect(toldBy('openrouter', { type: 'response.completed', response: { usage } })).toMatchObject({
      cost: '0.0360795',
    });
  });

  it('is its cost alone otherwise, which holds what the vendor bills', () => {
    const vendor = { cost_details: { upstream_inference_cost: 0.03 } };
    expect(of({ cost: 0.04, is_byok: false, ...vendor })).toMatchObject({ cost: '0.04' });
    expect(of({ cost: 0.04, ...vendor })).toMatchObject({ cost: '0.04' });
    expect(of({ cost: 0.04, is_byok: null, cost_details: null })).toMatchObject({ cost: '0.04' });
  });

  it('is not known where the vendor’s part is missing', () => {
    expect(() => of({ cost: 0, is_byok: true })).toThrow('bad_figure');
    expect(() => of({ cost: 0, is_byok: true, cost_details: { upstream_inference_cost: null } })).toThrow('bad_figure');
  });
});

describe('Usage at another place', () => {
  it('counts beside the choice of a stream, as Moonshot states it', () => {
    const usage = { ...chat(19, 10), cached_tokens: 12 };
    const events = [
      { choices: [{ index: 0, delta: { content: 'hi' }, finish_reason: null }] },
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage }] },
      '[DONE]',
    ];
    expect(toldByStream('openai', events)).toEqual({ input: '7', cachedInput: '12', output: '10' });
    expect(toldByStream('openai', [...events.slice(0, 2), { choices: [], usage }, '[DONE]'])).toEqual({
      input: '7',
      cachedInput: '12',
      output: '10',
    });
  });

  it('of input that was written to a cache is apart from other input, as OpenAI and OpenRouter bill it', () => {
    const written = { cached_tokens: 2_000, cache_write_tokens: 400 };
    const figures = { input: '200', cachedInput: '2000', cacheWrite: '400', output: '10' };
    const usage = { ...chat(2_600, 10), prompt_tokens_details: written };
    expect(toldBy('openai', { object: 'chat.completion', usage })).toEqual(figures);
    expect(toldByStream('openai', [{ choices: [], usage }, '[DONE]'])).toEqual(figures);
    expect(toldBy('openrouter', { object: 'chat.completion', usage: { ...usage, cost: 1 } })).toEqual({
      ...figures,
      cost: '1',
    });
    const response = { input_tokens: 2_600, output_tokens: 10, input_tokens_details: written };
    expect(toldBy('openai', { object: 'response', usage: response })).toEqual(figures);
    expect(toldByStream('openai', [{ type: 'response.completed', response: { usage: response } }])).toEqual(figures);
  });

  it.each([0, -1, 601, 'many', null])('of input that was written to a cache is none where it says %j', (told) => {
    const usage = { ...chat(2_600, 10), prompt_tokens_details: { cached_tokens: 2_000, cache_write_tokens: told } };
    expect(toldBy('openai', { object: 'chat.completion', usage })).toEqual({
      input: '600',
      cachedInput: '2000',
      output: '10',
    });
  });

  it('counts with its cached input, as Groq states it', () => {
    const usage = { ...chat(19, 10), prompt_tokens_details: { cached_tokens: 12 } };
    const events = [{ choices: [{ delta: {}, finish_reason: 'stop' }], x_groq: { usage } }, '[DONE]'];
    expect(toldByStream('openai', events)).toEqual({ input: '7', cachedInput: '12', output: '10' });
  });

  it('of an answer without output is the total, where that is all', () => {
    expect(toldBy('openai', { object: 'list', data: [], usage: { total_tokens: 56 } })).toEqual({ input: '56' });
    expect(toldBy('openai', { results: [{ index: 0 }], usage: { total_tokens: 56 } })).toEqual({ input: '56' });
  });

  it('is not told by a total where the model made something', () => {
    const chatted = { object: 'chat.completion', usage: { total_tokens: 56 } };
    expect(() => toldBy('openai', chatted)).toThrow('bad_figure');
    expect(() => toldBy('openai', { results: [], usage: { total_tokens: 56, completion_tokens: 4 } })).toThrow(
      'bad_figure',
    );
  });
});

describe('A figure of a stream', () => {
  it('is not undone by a zero in its last event', () => {
    const events = [
      { type: 'message_start', message: { usage: { input_tokens: 25, cache_read_input_tokens: 7, output_tokens: 1 } } },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn' },
        usage: { input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 15 },
      },
      { type: 'message_stop' },
    ];
    const figures = { input: '25', cachedInput: '7', cacheWrite: '0', output: '15' };
    expect(toldByStream('anthropic', events)).toEqual(figures);
  });

  it('is the last that is told, where the first was a guess', () => {
    const events = [
      { type: 'message_start', message: { usage: { input_tokens: 40, output_tokens: 1 } } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { input_tokens: 25, output_tokens: 15 } },
      { type: 'message_stop' },
    ];
    expect(toldByStream('anthropic', events)).toMatchObject({ input: '25', output: '15' });
  });

  it('of a member that the seller names may be a zero', () => {
    const body = sse([{ cost: 3 }, { cost: 0 }]);
    const answer = { contentType: 'text/event-stream', body };
    expect(told(meterAnswer({ kind: 'json', pointer: '/cost' }, answer).metered)).toEqual({ unit: '0' });
  });
});

describe('JSON', () => {
  it.each([
    'application/json',
    'Application/JSON; charset=utf-8',
    'text/json',
    'application/vnd.api+json',
  ])('is read as %s', (contentType) => {
    const answer = { contentType, body: '{"usage":{"prompt_tokens":5,"completion_tokens":1}}' };
    expect(told(meterAnswer(family('openai'), answer).metered)).toMatchObject({ input: '5', output: '1' });
  });
});

describe('A byte order mark', () => {
  it.each([
    ['JSON', 'application/json', '{"model":"m","prompt_eval_count":8,"eval_count":3}'],
    ['lines of JSON', 'application/x-ndjson', '{"done":false}\n{"done":true,"prompt_eval_count":8,"eval_count":3}\n'],
    ['an event stream', 'text/event-stream', 'data: {"done":true,"prompt_eval_count":8,"eval_count":3}\n\n'],
  ])('before %s hides nothing, wherever it is split', (_, contentType, text) => {
    const body = Buffer.from(`\u{feff}${text}`);
    for (const cuts of [[], [1], [2], [1, 2, 3], [3]]) {
      const { metered, forwarded, held } = meterAnswer(family('ollama'), { contentType, body }, cuts);
      expect(told(metered)).toEqual({ input: '8', output: '3' });
      expect(Buffer.concat([forwarded, held])).toEqual(body);
    }
  });

  it('within JSON is no JSON', () => {
    const answer = { contentType: 'application/json', body: ' \u{feff}{"eval_count":3}' };
    expect(meterAnswer(family('ollama'), answer).metered).toMatchObject({ kind: 'missing', reason: 'unreadable' });
  });
});

describe('A stream that ends with an object of the kind `error`', () => {
  it('failed', () => {
    const body = sse([
      { choices: [{ delta: { content: 'a' } }] },
      { object: 'error', message: 'out of memory', type: 'InternalServerError', code: 500 },
      '[DONE]',
    ]);
    const answer = { contentType: 'text/event-stream', body };
    expect(meterAnswer(family('openai'), answer).metered).toEqual({ kind: 'failed' });
  });
});

describe('An error', () => {
  const metered = (answer: object): Metered[] => {
    const body = JSON.stringify(answer);
    const events = sse([answer, '[DONE]']);
    return [
      meterAnswer(family('openai'), { contentType: 'application/json', body }).metered,
      meterAnswer(family('openai'), { contentType: 'text/event-stream', body: events }).metered,
    ];
  };
  const usage = chat(19, 10);

  it.each<[unknown]>([
    [{ message: '', type: '', param: '', code: null }],
    [{ message: '', type: null, code: '' }],
    [{ message: '' }],
    [''],
    [false],
    [null],
  ])('that is empty, as some relays write it beside an answer, is none: %j', (error) => {
    for (const one of metered({ choices: [{ finish_reason: 'stop' }], error, usage })) {
      expect(told(one)).toMatchObject({ input: '19', output: '10' });
    }
  });

  it('within a choice is one, too, where it ended the choice', () => {
    const error = { code: 502, message: 'Provider returned error' };
    const failed = { finish_reason: 'error', error };
    expect(metered({ choices: [failed], usage })).toEqual([{ kind: 'failed' }, { kind: 'failed' }]);
    for (const choice of [{ finish_reason: 'stop', error }, { finish_reason: 'error' }]) {
      for (const one of metered({ choices: [choice], usage })) {
        expect(told(one)).toMatchObject({ input: '19', output: '10' });
      }
    }
  });

  it.each<[unknown]>([
    [{ message: 'overloaded', type: '', code: null }],
    [{ message: 'overloaded '.repeat(100), type: '', code: null }],
    [{ message: '', type: 'server_error' }],
    [{ message: '', code: 500 }],
    [{ detail: 'overloaded' }],
    [['overloaded']],
    ['overloaded'],
    ['overloaded '.repeat(100)],
    [true],
  ])('that says anything is one: %j', (error) => {
    expect(metered({ choices: [], error, usage })).toEqual([{ kind: 'failed' }, { kind: 'failed' }]);
  });
});

function chat(input: number, output: number): object {
  return { prompt_tokens: input, completion_tokens: output };
}

function toldBy(vendor: Parameters<typeof family>[0], answer: object): Told {
  return told(meterAnswer(family(vendor), { contentType: 'application/json', body: JSON.stringify(answer) }).metered);
}

function toldByStream(vendor: Parameters<typeof family>[0], events: readonly (object | string)[]): Told {
  return told(meterAnswer(family(vendor), { contentType: 'text/event-stream', body: sse(events) }).metered);
}

function told(metered: Metered): Told {
  if (metered.kind !== 'used') throw new Error(`nothing was told: ${JSON.stringify(metered)}`);
  return Object.fromEntries([...metered.figures].map(([dimension, count]) => [dimension, formatDecimal(count)]));
}
