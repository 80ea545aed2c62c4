import { describe, expect, it } from 'vitest';
import { openAnswerMeter } from '../../../src/metering/open-answer-meter.ts';
import { sse } from '../../support/metering/answers.ts';
import { family } from '../../support/metering/meter-answer.ts';

const TEXT = 'x'.repeat(4_000);
const TOKENS = 1_000n;
const CHAT = '/v1/chat/completions';
const GEMINI = '/v1beta/models/g:streamgeneratecontent';

const INTERACTIONS = '/v1beta/interactions';

interface Seen {
  readonly path: string;
  readonly contentType: string;
  /** The answer as far as it came. */
  readonly body: string;
  readonly pieces?: number;
}

/** The output tokens that are guessed for a buyer who left. */
function outputOf({ path, contentType, body, pieces = 1 }: Seen): bigint | undefined {
  const head = { path, contentType, contentEncoding: undefined, header: () => undefined };
  const meter = openAnswerMeter(family('auto'), head, () => 0);
  const bytes = Buffer.from(body);
  const size = Math.ceil(bytes.length / pieces);
  for (let from = 0; from < bytes.length; from += size) meter.push(bytes.subarray(from, from + size));
  return meter.estimate(0).get('output')?.digits;
}

const streamed = (path: string, ...events: object[]): Seen => ({
  path,
  contentType: 'text/event-stream',
  body: sse(events),
});
const step = (value: object): object => ({ event_type: 'step.delta', index: 0, delta: value });
const delta = (value: object, index = 0): object => ({ index, delta: value, finish_reason: null });
const calls = (...texts: string[]): object => ({
  tool_calls: texts.map((text, index) => ({
    index,
    id: 'i',
    type: 'function',
    function: { name: 'f', arguments: text },
  })),
});

describe('Of a stream that its buyer leaves', () => {
  const half = TEXT.slice(0, 2_000);
  it.each<[string, Seen]>([
    ['content', streamed(CHAT, { choices: [delta({ role: 'assistant', content: TEXT })] })],
    ['content in parts', streamed(CHAT, { choices: [delta({ content: [{ type: 'text', text: TEXT }] })] })],
    [
      'reasoning in parts',
      streamed(CHAT, {
        choices: [delta({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: TEXT }] }] })],
      }),
    ],
    ['reasoning_content', streamed(CHAT, { choices: [delta({ reasoning_content: TEXT })] })],
    ['reasoning', streamed(CHAT, { choices: [delta({ reasoning: TEXT })] })],
    [
      'reasoning under three names, once',
      streamed(CHAT, {
        choices: [delta({ reasoning: TEXT, reasoning_content: TEXT, reasoning_details: [{ text: TEXT }] })],
      }),
    ],
    ['a refusal', streamed(CHAT, { choices: [delta({ refusal: TEXT })] })],
    ['a function call', streamed(CHAT, { choices: [delta({ function_call: { arguments: TEXT } })] })],
    ['a tool call', streamed(CHAT, { choices: [delta(calls(TEXT))] })],
    [
      'a tool call in words of its own',
      streamed(CHAT, { choices: [delta({ tool_calls: [{ custom: { input: TEXT } }] })] }),
    ],
    ['two tool calls', streamed(CHAT, { choices: [delta(calls(half, half))] })],
    ['two choices', streamed(CHAT, { choices: [delta({ content: half }), delta({ content: half }, 1)] })],
    [
      'a choice before one of another form',
      streamed(CHAT, { choices: [delta({ content: TEXT }), delta({ content: [] }, 1)] }),
    ],
    ['two events', streamed(CHAT, { choices: [delta({ content: half })] }, { choices: [delta({ content: half })] })],
    ['what speech says', streamed(CHAT, { choices: [delta({ audio: { transcript: TEXT } })] })],
    ['a completion', streamed('/v1/completions', { choices: [{ text: half }, { text: half }] })],
    ['a response', streamed('/v1/responses', { type: 'response.output_text.delta', delta: TEXT })],
    ['a message', streamed('/v1/messages', { delta: { text: TEXT } })],
    ['parts of Gemini', streamed(GEMINI, { candidates: [{ content: { parts: [{ text: half }, { text: half }] } }] })],
    [
      'a call of Gemini',
      streamed(GEMINI, {
        candidates: [{ content: { parts: [{ functionCall: { name: 'f', args: { a: TEXT.slice(1) } } }] } }],
      }),
    ],
    ['an interaction', streamed(INTERACTIONS, step({ type: 'text', text: TEXT }))],
    ['a thought', streamed(INTERACTIONS, step({ type: 'thought_summary', content: { type: 'text', text: TEXT } }))],
    ['arguments of an interaction', streamed(INTERACTIONS, step({ type: 'arguments_delta', arguments: TEXT }))],
    [
      'a call of Ollama, with names, numbers and words',
      {
        path: '/api/chat',
        contentType: 'application/x-ndjson',
        body: `${JSON.stringify({ message: { tool_calls: [{ function: { arguments: { ab: [{ c: 12.5, d: true }, TEXT.slice(12)] } } }] } })}\n`,
      },
    ],
  ])('%s counts by its bytes', (_, seen) => {
    expect(outputOf(seen)).toBe(TOKENS);
    expect(outputOf({ ...seen, pieces: 100 })).toBe(TOKENS);
  });

  it.each<[string, Seen]>([
    ['speech', streamed(CHAT, { choices: [delta({ audio: { data: TEXT } })] })],
    ['an image in a chat', streamed(CHAT, { choices: [delta({ images: [{ image_url: { url: TEXT } }] })] })],
    ['an image', streamed('/v1/images/generations', { type: 'image_generation.partial_image', b64_json: TEXT })],
    [
      'an image of a response',
      streamed('/v1/responses', { type: 'response.image_generation_call.partial_image', partial_image_b64: TEXT }),
    ],
    ['an image of an interaction', streamed(INTERACTIONS, step({ type: 'image', data: TEXT }))],
  ])('%s counts by a hundredth of its bytes: base64 is no text', (_, seen) => {
    expect(outputOf(seen)).toBe(TOKENS / 100n);
    expect(outputOf({ ...seen, pieces: 100 })).toBe(TOKENS / 100n);
  });

  it('the start of an event counts once it went out, and not while it is held', () => {
    const start = (bytes: number): Seen => ({
      path: '/v1/images/generations',
      contentType: 'text/event-stream',
      body: `data: {"b64_json":"${'A'.repeat(bytes)}`,
    });
    expect(outputOf(start(1_000_000))).toBe(0n);
    expect(outputOf(start(2_000_000))).toBe(5_000n);
    expect(outputOf({ ...start(2_000_000), pieces: 100 })).toBe(5_000n);
  });

  it('arguments with a name twice hide no figures', () => {
    const head = { path: '/api/chat', contentType: 'application/x-ndjson', contentEncoding: undefined };
    const meter = openAnswerMeter(family('auto'), { ...head, header: () => undefined }, () => 0);
    const call = '{"function":{"arguments":{"a":1,"a":2,"done":true,"eval_count":7}}}';
    meter.push(Buffer.from(`{"message":{"tool_calls":[${call}]},"done":true,"prompt_eval_count":1,"eval_count":2}\n`));
    expect(meter.metered()).toMatchObject({
      kind: 'used',
      figures: new Map([
        ['input', { digits: 1n }],
        ['output', { digits: 2n }],
      ]),
    });
  });
});

describe('Of an answer in one piece that is too long to be held, and that its buyer leaves', () => {
  const long = 'A'.repeat(6_000_000);
  const whole = (path: string, body: string): Seen => ({ path, contentType: 'application/json', body });
  it.each<[string, Seen, bigint]>([
    ['a completion', whole(CHAT, `{"choices":[{"message":{"content":"${long}"}}]`), 1_500_000n],
    ['a text that has begun', whole(CHAT, `{"choices":[{"message":{"content":"${long}`), 1_500_000n],
    [
      'a tool call',
      whole(CHAT, `{"choices":[{"message":{"tool_calls":[{"function":{"arguments":"${long}"}}]`),
      1_500_000n,
    ],
    [
      'several choices',
      whole(CHAT, `{"choices":[{"message":{"content":"${long}"}},{"message":{"content":"${long}`),
      3_000_000n,
    ],
    ['an image', whole('/v1/images/generations', `{"created":1,"data":[{"b64_json":"${long}"}]`), 15_000n],
    ['images', whole('/v1/images/edits', `{"data":[{"b64_json":"${long}"},{"b64_json":"${long}"}`), 30_000n],
    ['an image of a response', whole('/v1/responses', `{"output":[{"result":"${long}"`), 15_000n],
    ['a response', whole('/v1/responses', `{"output":[{"content":[{"text":"${long}"`), 1_500_000n],
    ['a message', whole('/v1/messages', `{"content":[{"text":"${long}"}]`), 1_500_000n],
    [
      'an image of Gemini',
      whole('/v1beta/models/g:generatecontent', `{"candidates":[{"content":{"parts":[{"inlineData":{"data":"${long}"`),
      15_000n,
    ],
    ['an interaction', whole(INTERACTIONS, `{"steps":[{"content":[{"text":"${long}"`), 1_500_000n],
    ['an image of an interaction', whole(INTERACTIONS, `{"steps":[{"content":[{"data":"${long}"`), 15_000n],
    ['an answer of Ollama', whole('/api/generate', `{"response":"${long}"`), 1_500_000n],
    ['what is no output', whole(CHAT, `{"x":"${long}","choices":[{"message":{"role":"${long}"`), 0n],
  ])('%s counts as far as it came', (_, seen, tokens) => {
    expect(outputOf(seen)).toBe(tokens);
    expect(outputOf({ ...seen, pieces: 97 })).toBe(tokens);
  });
});
