import type { MeterSpec } from '../../../src/domain/metered-price.ts';
import { family, type SampleAnswer } from './meter-answer.ts';

/** An answer of a dialect, with what an oracle knows of it. */
export interface DialectSample {
  readonly name: string;
  readonly meter: MeterSpec;
  readonly answer: SampleAnswer;
  readonly model: string | undefined;
  /** Disjoint figures, as text. */
  readonly figures: Readonly<Record<string, string>>;
  /** The end of the stream that must wait for the charge; `undefined` for answers that are read whole. */
  readonly tail?: string;
}

const JSON_TYPE = 'application/json';
const SSE_TYPE = 'text/event-stream; charset=utf-8';

/** Events of a stream, the line ends to choose. */
export function sse(events: readonly (object | string)[], end = '\n'): string {
  return events.map((event) => `${lines(event, end)}${end}`).join('');
}

function lines(event: object | string, end: string): string {
  if (typeof event === 'string') return event.startsWith(':') ? `${event}${end}` : `data: ${event}${end}`;
  const name = 'type' in event ? `event: ${String(event.type)}${end}` : '';
  return `${name}data: ${JSON.stringify(event)}${end}`;
}

const TRICK =
  '"usage":{"prompt_tokens":0,"completion_tokens":0,"input_tokens":0,"output_tokens":0},"usageMetadata":{"promptTokenCount":0}';

const CHAT_STREAM = [
  {
    id: 'c',
    object: 'chat.completion.chunk',
    model: 'gpt-5-mini',
    choices: [{ index: 0, delta: { content: 'Grüße, 世界 🌍' } }],
    usage: null,
  },
  {
    id: 'c',
    object: 'chat.completion.chunk',
    model: 'gpt-5-mini',
    choices: [{ index: 0, delta: { content: `{${TRICK}}` } }],
    usage: null,
  },
  {
    id: 'c',
    object: 'chat.completion.chunk',
    model: 'gpt-5-mini',
    choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
    usage: null,
  },
  {
    id: 'c',
    object: 'chat.completion.chunk',
    model: 'gpt-5-mini',
    choices: [],
    usage: {
      prompt_tokens: 1000,
      completion_tokens: 7,
      total_tokens: 1007,
      prompt_tokens_details: { cached_tokens: 300 },
    },
  },
  '[DONE]',
];

const ANTHROPIC_STREAM = [
  {
    type: 'message_start',
    message: {
      type: 'message',
      model: 'claude-x',
      content: [],
      usage: { input_tokens: 12, cache_creation_input_tokens: 5, cache_read_input_tokens: 3, output_tokens: 1 },
    },
  },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: `é ${TRICK}` } },
  { type: 'message_delta', delta: { stop_reason: null }, usage: { output_tokens: 9 } },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 21, input_tokens: null } },
  { type: 'message_stop' },
];

const GEMINI_EVENTS = [
  {
    modelVersion: 'gemini-3',
    candidates: [{ content: { parts: [{ text: 'ö' }] } }],
    usageMetadata: { promptTokenCount: 50, cachedContentTokenCount: 20, totalTokenCount: 50 },
  },
  {
    modelVersion: 'gemini-3',
    candidates: [{ content: { parts: [{ text: '…' }] }, finishReason: 'STOP' }],
    usageMetadata: {
      promptTokenCount: 50,
      toolUsePromptTokenCount: 4,
      cachedContentTokenCount: 20,
      candidatesTokenCount: 8,
      thoughtsTokenCount: 100,
    },
  },
];

/** Answers of every dialect, whole and as streams. */
export const DIALECT_SAMPLES: readonly DialectSample[] = [
  {
    name: 'a chat completion, whole',
    meter: family('openai'),
    answer: {
      contentType: JSON_TYPE,
      body: JSON.stringify({
        object: 'chat.completion',
        model: 'gpt-5',
        choices: [
          {
            message: { content: TRICK, tool_calls: [{ function: { arguments: `{${TRICK}}` } }] },
            nested: { usage: { prompt_tokens: 0 } },
          },
        ],
        usage: {
          prompt_tokens: 19,
          completion_tokens: 10,
          prompt_tokens_details: { cached_tokens: 4 },
          completion_tokens_details: { reasoning_tokens: 6 },
        },
      }),
    },
    model: 'gpt-5',
    figures: { input: '15', cachedInput: '4', output: '10' },
  },
  {
    name: 'a chat completion as a stream',
    meter: family('openai'),
    answer: { contentType: SSE_TYPE, body: sse(CHAT_STREAM) },
    model: 'gpt-5-mini',
    figures: { input: '700', cachedInput: '300', output: '7' },
    tail: sse(['[DONE]']),
  },
  {
    name: 'a chat completion as a stream with CRLF and comments',
    meter: family('auto'),
    answer: { contentType: SSE_TYPE, body: sse([': OPENROUTER PROCESSING', ...CHAT_STREAM], '\r\n') },
    model: 'gpt-5-mini',
    figures: { input: '700', cachedInput: '300', output: '7' },
    tail: sse(['[DONE]'], '\r\n'),
  },
  {
    name: 'a chat completion as a stream with CR',
    meter: family('openai'),
    answer: { contentType: SSE_TYPE, body: sse(CHAT_STREAM, '\r') },
    model: 'gpt-5-mini',
    figures: { input: '700', cachedInput: '300', output: '7' },
    tail: sse(['[DONE]'], '\r'),
  },
  {
    name: 'a stream with usage beside choices, as LiteLLM sends it',
    meter: family('openai'),
    answer: {
      contentType: SSE_TYPE,
      body: sse([
        {
          object: 'chat.completion.chunk',
          model: 'm',
          choices: [{ delta: { content: 'x' } }],
          usage: { prompt_tokens: 5, completion_tokens: 6 },
        },
        '[DONE]',
      ]),
    },
    model: 'm',
    figures: { input: '5', cachedInput: '0', output: '6' },
    tail: sse(['[DONE]']),
  },
  {
    name: 'a response, whole',
    meter: family('auto'),
    answer: {
      path: '/v1/responses',
      contentType: JSON_TYPE,
      body: JSON.stringify({
        object: 'response',
        status: 'completed',
        error: null,
        model: 'gpt-5',
        usage: { input_tokens: 36, input_tokens_details: { cached_tokens: 6 }, output_tokens: 87 },
      }),
    },
    model: 'gpt-5',
    figures: { input: '30', cachedInput: '6', output: '87' },
  },
  {
    name: 'a response as a stream that ends early',
    meter: family('openai'),
    answer: {
      path: '/v1/responses',
      contentType: SSE_TYPE,
      body: sse([
        { type: 'response.created', sequence_number: 0, response: { model: 'gpt-5', usage: null } },
        { type: 'response.output_text.delta', delta: 'hi' },
        {
          type: 'response.incomplete',
          sequence_number: 2,
          response: { model: 'gpt-5', usage: { input_tokens: 9, output_tokens: 4 } },
        },
      ]),
    },
    model: 'gpt-5',
    figures: { input: '9', cachedInput: '0', output: '4' },
    tail: sse([
      {
        type: 'response.incomplete',
        sequence_number: 2,
        response: { model: 'gpt-5', usage: { input_tokens: 9, output_tokens: 4 } },
      },
    ]),
  },
  {
    name: 'embeddings',
    meter: family('openai'),
    answer: {
      path: '/v1/embeddings',
      contentType: JSON_TYPE,
      body: JSON.stringify({
        object: 'list',
        data: [{ embedding: [0.1, -2e-9] }],
        model: 'e',
        usage: { prompt_tokens: 8, total_tokens: 8 },
      }),
    },
    model: 'e',
    figures: { input: '8', cachedInput: '0', output: '0' },
  },
  {
    name: 'a transcription by the second',
    meter: family('openai'),
    answer: {
      path: '/v1/audio/transcriptions',
      contentType: JSON_TYPE,
      body: '{"text":"t","usage":{"type":"duration","seconds":12.25}}',
    },
    model: undefined,
    figures: { seconds: '12.25' },
  },
  {
    name: 'a message, whole',
    meter: family('auto'),
    answer: {
      path: '/v1/messages',
      contentType: JSON_TYPE,
      body: JSON.stringify({
        type: 'message',
        model: 'claude-x',
        usage: { input_tokens: 10, cache_creation_input_tokens: 2, cache_read_input_tokens: null, output_tokens: 30 },
      }),
    },
    model: 'claude-x',
    figures: { input: '10', cachedInput: '0', cacheWrite: '2', output: '30' },
  },
  {
    name: 'a message as a stream',
    meter: family('anthropic'),
    answer: { path: '/v1/messages', contentType: SSE_TYPE, body: sse(ANTHROPIC_STREAM) },
    model: 'claude-x',
    figures: { input: '12', cachedInput: '3', cacheWrite: '5', output: '21' },
    tail: sse([{ type: 'message_stop' }]),
  },
  {
    name: 'Gemini, whole',
    meter: family('gemini'),
    answer: {
      path: '/v1beta/models/g:generateContent',
      contentType: JSON_TYPE,
      body: JSON.stringify(GEMINI_EVENTS[1]),
    },
    model: 'gemini-3',
    figures: { input: '34', cachedInput: '20', output: '108' },
  },
  {
    name: 'Gemini as a stream',
    meter: family('auto'),
    answer: { path: '/v1beta/models/g:streamGenerateContent', contentType: SSE_TYPE, body: sse(GEMINI_EVENTS) },
    model: 'gemini-3',
    figures: { input: '34', cachedInput: '20', output: '108' },
    tail: sse([GEMINI_EVENTS[1] ?? {}]),
  },
  {
    name: 'Gemini as a streamed array with counts as texts',
    meter: family('gemini'),
    answer: {
      path: '/v1beta/models/g:streamGenerateContent',
      contentType: JSON_TYPE,
      body: `[${JSON.stringify(GEMINI_EVENTS[0])}\n,\r\n{"modelVersion":"gemini-3","usageMetadata":{"promptTokenCount":"50","cachedContentTokenCount":"20","candidatesTokenCount":"8"}}\n]`,
    },
    model: 'gemini-3',
    figures: { input: '30', cachedInput: '20', output: '8' },
  },
  {
    name: 'OpenRouter, whose cost has an exponent',
    meter: family('openrouter'),
    answer: {
      contentType: JSON_TYPE,
      body: '{"object":"chat.completion","model":"o/m","usage":{"prompt_tokens":3,"completion_tokens":4,"cost":4.2e-05}}',
    },
    model: 'o/m',
    figures: { input: '3', cachedInput: '0', output: '4', cost: '0.000042' },
  },
  {
    name: 'Ollama in lines',
    meter: family('auto'),
    answer: {
      path: '/api/chat',
      contentType: 'application/x-ndjson',
      body: '{"model":"llama","message":{"content":"ä"},"done":false}\n{"model":"llama","done":true,"prompt_eval_count":26,"eval_count":298}\n',
    },
    model: 'llama',
    figures: { input: '26', output: '298' },
    tail: '{"model":"llama","done":true,"prompt_eval_count":26,"eval_count":298}\n',
  },
  {
    name: 'credits at a pointer',
    meter: { kind: 'json', pointer: '/usage/credits/0' },
    answer: {
      contentType: 'application/vnd.api+json',
      body: '{"data":{"usage":{"credits":[9]}},"usage":{"credits":[1.5,2]}}',
    },
    model: undefined,
    figures: { unit: '1.5' },
  },
];
