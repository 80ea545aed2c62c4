import { type DialectSample, sse } from './answers.ts';
import { family } from './meter-answer.ts';

/*
 * Answers that APIs give beside those of `answers.ts`, each with what it used as the vendor's documents define it.
 */

type Fixture = readonly [
  name: string,
  family: Parameters<typeof family>[0],
  path: string,
  body: object | readonly (object | string)[],
  figures: Readonly<Record<string, string>>,
  /** The event that waits for the charge; absent of answers that are read whole. */
  last?: object | string,
];

const CHAT = '/v1/chat/completions';
const CHAT_USAGE = { prompt_tokens: 19, completion_tokens: 10, total_tokens: 29 };
const CHUNK = { object: 'chat.completion.chunk', model: 'm', usage: null };
const TOOL = '{"usage":{"prompt_tokens":0,"completion_tokens":0}}';

const RESPONSE_OVER = {
  type: 'response.completed',
  sequence_number: 2,
  response: { model: 'm', usage: { input_tokens: 40, input_tokens_details: { cached_tokens: 8 }, output_tokens: 5 } },
};
const IMAGE_USAGE = {
  total_tokens: 4_210,
  input_tokens: 50,
  output_tokens: 4_160,
  input_tokens_details: { text_tokens: 10, image_tokens: 40 },
};
const IMAGE_OVER = { type: 'image_generation.completed', b64_json: 'iVBORw0KGgo=', usage: IMAGE_USAGE };
const EDIT_OVER = { type: 'image_edit.completed', b64_json: 'iVBORw0KGgo=', usage: IMAGE_USAGE };
const HEARD = {
  type: 'tokens',
  input_tokens: 14,
  input_token_details: { text_tokens: 0, audio_tokens: 14 },
  output_tokens: 45,
  total_tokens: 59,
};
const HEARD_OVER = { type: 'transcript.text.done', text: `heard ${TOOL}`, usage: HEARD };
const SPOKEN_OVER = { type: 'speech.audio.done', usage: { input_tokens: 14, output_tokens: 101, total_tokens: 115 } };
const TIMED_OVER = { type: 'transcript.text.done', text: 'heard', usage: { type: 'duration', seconds: 12.5 } };
const INTERACTION_USAGE = {
  total_input_tokens: 90,
  total_cached_tokens: 30,
  total_tool_use_tokens: 6,
  total_output_tokens: 12,
  total_thought_tokens: 40,
  total_tokens: 148,
};
const INTERACTION_OVER = {
  event_type: 'interaction.completed',
  interaction: { id: 'i', model: 'g', status: 'completed', usage: INTERACTION_USAGE },
};
const ROUTED = { ...CHAT_USAGE, cost: 0.00014, cost_details: { upstream_inference_cost: null } };
const OLLAMA_OVER = { model: 'm', response: '', done: true, prompt_eval_count: 26, eval_count: 298 };

const FIXTURES: readonly Fixture[] = [
  [
    'a legacy completion, whole',
    'openai',
    '/v1/completions',
    { object: 'text_completion', model: 'm', choices: [{ text: 'hi' }], usage: CHAT_USAGE },
    { input: '19', cachedInput: '0', output: '10' },
  ],
  [
    'a legacy completion as a stream',
    'openai',
    '/v1/completions',
    [
      { object: 'text_completion', model: 'm', choices: [{ text: 'hi' }], usage: null },
      { object: 'text_completion', model: 'm', choices: [], usage: CHAT_USAGE },
      '[DONE]',
    ],
    { input: '19', cachedInput: '0', output: '10' },
    '[DONE]',
  ],
  [
    'three choices, whose usage is told once for all',
    'openai',
    CHAT,
    {
      object: 'chat.completion',
      model: 'm',
      choices: [{ index: 0 }, { index: 1 }, { index: 2 }],
      usage: { prompt_tokens: 19, completion_tokens: 30 },
    },
    { input: '19', cachedInput: '0', output: '30' },
  ],
  [
    'counts written as texts',
    'openai',
    CHAT,
    { object: 'chat.completion', model: 'm', usage: { prompt_tokens: '19', completion_tokens: '10' } },
    { input: '19', cachedInput: '0', output: '10' },
  ],
  [
    'a chat completion whose tool is called with usage as its argument',
    'openai',
    CHAT,
    [
      { ...CHUNK, choices: [{ delta: { tool_calls: [{ index: 0, function: { name: 'f', arguments: TOOL } }] } }] },
      { ...CHUNK, choices: [], usage: CHAT_USAGE },
      '[DONE]',
    ],
    { input: '19', cachedInput: '0', output: '10' },
    '[DONE]',
  ],
  [
    'a chat completion of a server that tells the running totals with every event',
    'openai',
    CHAT,
    [
      { ...CHUNK, choices: [{ delta: { content: 'a' } }], usage: { prompt_tokens: 19, completion_tokens: 1 } },
      { ...CHUNK, choices: [{ delta: { content: 'b' } }], usage: { prompt_tokens: 19, completion_tokens: 2 } },
      { ...CHUNK, choices: [], usage: { prompt_tokens: 19, completion_tokens: 3 } },
      '[DONE]',
    ],
    { input: '19', cachedInput: '0', output: '3' },
    '[DONE]',
  ],
  [
    'a chat completion of DeepSeek',
    'openai',
    CHAT,
    {
      object: 'chat.completion',
      model: 'm',
      usage: {
        prompt_tokens: 19,
        completion_tokens: 10,
        prompt_cache_hit_tokens: 12,
        prompt_cache_miss_tokens: 7,
        prompt_tokens_details: { cached_tokens: 12 },
      },
    },
    { input: '7', cachedInput: '12', output: '10' },
  ],
  [
    'a chat completion of Groq as a stream',
    'openai',
    CHAT,
    [
      { ...CHUNK, choices: [{ delta: { content: 'a' } }] },
      { ...CHUNK, choices: [{ delta: {}, finish_reason: 'stop' }], x_groq: { id: 'r', usage: CHAT_USAGE } },
      '[DONE]',
    ],
    { input: '19', cachedInput: '0', output: '10' },
    '[DONE]',
  ],
  [
    'a response as a stream that completes',
    'openai',
    '/v1/responses',
    [
      { type: 'response.created', sequence_number: 0, response: { model: 'm', usage: null } },
      { type: 'response.output_text.delta', sequence_number: 1, delta: 'hi' },
      RESPONSE_OVER,
    ],
    { input: '32', cachedInput: '8', output: '5' },
    RESPONSE_OVER,
  ],
  [
    'images, whole',
    'openai',
    '/v1/images/generations',
    { created: 1, data: [{ b64_json: 'iVBORw0KGgo=' }], usage: IMAGE_USAGE },
    { input: '50', cachedInput: '0', output: '4160' },
  ],
  [
    'an image as a stream',
    'openai',
    '/v1/images/generations',
    [{ type: 'image_generation.partial_image', partial_image_index: 0, b64_json: 'iVBORw0KGgo=' }, IMAGE_OVER],
    { input: '50', cachedInput: '0', output: '4160' },
    IMAGE_OVER,
  ],
  [
    'a changed image as a stream',
    'auto',
    '/v1/images/edits',
    [{ type: 'image_edit.partial_image', partial_image_index: 0, b64_json: 'iVBORw0KGgo=' }, EDIT_OVER],
    { input: '50', cachedInput: '0', output: '4160' },
    EDIT_OVER,
  ],
  [
    'a transcription by tokens',
    'openai',
    '/v1/audio/transcriptions',
    { text: 'heard', usage: HEARD },
    { input: '14', cachedInput: '0', output: '45' },
  ],
  [
    'a transcription by tokens as a stream',
    'openai',
    '/v1/audio/transcriptions',
    [{ type: 'transcript.text.delta', delta: 'heard' }, HEARD_OVER],
    { input: '14', cachedInput: '0', output: '45' },
    HEARD_OVER,
  ],
  [
    'speech as a stream',
    'auto',
    '/v1/audio/speech',
    [{ type: 'speech.audio.delta', audio: 'iVBORw0KGgo=' }, SPOKEN_OVER],
    { input: '14', cachedInput: '0', output: '101' },
    SPOKEN_OVER,
  ],
  [
    'a transcription by the second as a stream',
    'auto',
    '/v1/audio/transcriptions',
    [{ type: 'transcript.text.delta', delta: 'heard' }, TIMED_OVER],
    { seconds: '12.5' },
    TIMED_OVER,
  ],
  [
    'a message as a stream with two deltas, of which the last counts',
    'anthropic',
    '/v1/messages',
    [
      { type: 'message_start', message: { model: 'm', usage: { input_tokens: 25, output_tokens: 1 } } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hi' } },
      { type: 'message_delta', delta: {}, usage: { output_tokens: 7 } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 15 } },
      { type: 'message_stop' },
    ],
    { input: '25', output: '15' },
    { type: 'message_stop' },
  ],
  [
    'an interaction with Gemini, whole',
    'auto',
    '/v1beta/interactions',
    { id: 'i', model: 'g', status: 'completed', steps: [{ type: 'model_output' }], usage: INTERACTION_USAGE },
    { input: '66', cachedInput: '30', output: '52' },
  ],
  [
    'an interaction with Gemini as a stream',
    'gemini',
    '/v1beta/interactions',
    [
      { event_type: 'interaction.created', interaction: { id: 'i', model: 'g', status: 'in_progress' } },
      { event_type: 'step.delta', index: 0, delta: { type: 'text', text: `hi ${TOOL}` } },
      INTERACTION_OVER,
    ],
    { input: '66', cachedInput: '30', output: '52' },
    INTERACTION_OVER,
  ],
  [
    'OpenRouter as a stream',
    'openrouter',
    CHAT,
    [
      ': OPENROUTER PROCESSING',
      { ...CHUNK, choices: [{ delta: { content: 'a' } }] },
      ': OPENROUTER PROCESSING',
      { ...CHUNK, choices: [{ delta: { content: '' }, finish_reason: 'stop' }], usage: ROUTED },
      '[DONE]',
    ],
    { input: '19', cachedInput: '0', output: '10', cost: '0.00014' },
    '[DONE]',
  ],
  [
    'Ollama, whole',
    'ollama',
    '/api/chat',
    { model: 'm', message: { content: 'hi' }, done: true, prompt_eval_count: 26, eval_count: 298 },
    { input: '26', output: '298' },
  ],
  [
    'what Ollama embedded',
    'auto',
    '/api/embed',
    { model: 'm', embeddings: [[0.01, -2e-9]], prompt_eval_count: 8 },
    { input: '8', output: '0' },
  ],
];

/** The fixtures as answers, with the model that each names. */
export const USAGE_FIXTURES: readonly DialectSample[] = [
  ...FIXTURES.map(([name, vendor, path, body, figures, last]): DialectSample => {
    const isStream = Array.isArray(body);
    return {
      name,
      meter: family(vendor),
      answer: {
        path,
        contentType: isStream ? 'text/event-stream' : 'application/json',
        body: isStream ? sse(body) : JSON.stringify(body),
      },
      model: /"model":"(\w+)"/.exec(JSON.stringify(body))?.[1],
      figures,
      ...(last === undefined ? {} : { tail: sse([last]) }),
    };
  }),
  {
    name: 'Ollama that generates, in lines',
    meter: family('ollama'),
    answer: {
      path: '/api/generate',
      contentType: 'application/x-ndjson',
      body: [{ model: 'm', response: 'ü', done: false }, OLLAMA_OVER]
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    },
    model: 'm',
    figures: { input: '26', output: '298' },
    tail: `${JSON.stringify(OLLAMA_OVER)}\n`,
  },
];
