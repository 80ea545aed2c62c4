import { type Fact, type Facts, textAt } from '../read/facts.ts';
import type { Dialect, EventMeaning, OutputLimit } from './dialect.ts';
import { openaiFigures } from './openai-figures.ts';

/** Events that end a stream and carry its usage. */
const LAST: ReadonlySet<string | undefined> = new Set([
  'response.completed',
  'response.incomplete',
  'transcript.text.done',
  'speech.audio.done',
  'image_generation.completed',
  'image_edit.completed',
]);

const FAILED: ReadonlySet<string | undefined> = new Set(['error', 'response.failed']);

/** What says why a call failed, of which an error has at least one. */
const ERROR_MEMBERS = ['/error/message', '/error/type', '/error/code'] as const;

/**
 * OpenAI's Chat Completions, Completions, Responses, Embeddings, Images and Transcriptions, and compatible servers:
 * LiteLLM, vLLM, Groq, DeepSeek, Mistral, xAI.
 */
export const openai: Dialect = {
  name: 'openai',
  dimensions: ['input', 'cachedInput', 'cacheWrite', 'output', 'seconds'],
  onlyRises: true,
  fields: {
    '/object': 'object',
    '/usage/prompt_tokens': 'input',
    '/usage/completion_tokens': 'output',
    '/usage/prompt_tokens_details/cached_tokens': 'cached',
    '/usage/prompt_tokens_details/cache_write_tokens': 'cacheWrite',
    '/usage/prompt_cache_hit_tokens': 'cached',
    // Moonshot: in a stream beside the choice, and the cached input without a place for details.
    '/usage/cached_tokens': 'cached',
    '/choices/*/usage/prompt_tokens': 'input',
    '/choices/*/usage/completion_tokens': 'output',
    '/choices/*/usage/cached_tokens': 'cached',
    '/choices/*/usage/prompt_tokens_details/cached_tokens': 'cached',
    '/usage/input_tokens': 'input',
    '/usage/output_tokens': 'output',
    '/usage/input_tokens_details/cached_tokens': 'cached',
    '/usage/input_tokens_details/cache_write_tokens': 'cacheWrite',
    '/usage/completion_tokens_details/reasoning_tokens': 'reasoning',
    '/usage/output_tokens_details/reasoning_tokens': 'reasoning',
    '/usage/total_tokens': 'total',
    '/usage/seconds': 'seconds',
    '/response/usage/input_tokens': 'input',
    '/response/usage/output_tokens': 'output',
    '/response/usage/input_tokens_details/cached_tokens': 'cached',
    '/response/usage/input_tokens_details/cache_write_tokens': 'cacheWrite',
    '/response/usage/output_tokens_details/reasoning_tokens': 'reasoning',
    '/response/usage/total_tokens': 'total',
    '/x_groq/usage/prompt_tokens': 'input',
    '/x_groq/usage/completion_tokens': 'output',
    '/x_groq/usage/prompt_tokens_details/cached_tokens': 'cached',
  },
  model: ['/model', '/response/model'],
  output: [
    ...messageOutput('/choices/*/delta'),
    ...messageOutput('/choices/*/message'),
    ['/choices/*/text'],
    // An event of Responses, of an image, and of speech.
    ['/delta'],
    ['/partial_image_b64'],
    ['/b64_json'],
    ['/audio'],
    // The whole answer of Responses, and of Images.
    ['/output/*/content/*/text'],
    ['/output/*/content/*/refusal'],
    ['/output/*/summary/*/text'],
    ['/output/*/arguments'],
    ['/output/*/input'],
    ['/output/*/result'],
    ['/data/*/b64_json'],
  ],
  media: new Set([
    '/partial_image_b64',
    '/b64_json',
    '/audio',
    '/output/*/result',
    '/data/*/b64_json',
    ...['/choices/*/delta', '/choices/*/message'].flatMap((place) => [
      `${place}/audio/data`,
      `${place}/images/*/image_url/url`,
    ]),
  ]),
  marks: [
    '/type',
    '/error',
    ...ERROR_MEMBERS,
    '/choices',
    '/choices/*',
    '/choices/*/error',
    '/choices/*/finish_reason',
  ],
  limit,
  meaning,
  isUsageAlone,
  figures: openaiFigures,
};

/** What a message of Chat Completions can hold. vLLM and OpenRouter send the same reasoning under two names. */
function messageOutput(place: string): readonly (readonly string[])[] {
  return [
    [`${place}/content`],
    [`${place}/content/*/text`],
    [`${place}/content/*/thinking/*/text`],
    [`${place}/reasoning`, `${place}/reasoning_content`, `${place}/reasoning_details/*/text`],
    [`${place}/refusal`],
    [`${place}/function_call/arguments/**`],
    [`${place}/tool_calls/*/function/arguments/**`],
    [`${place}/tool_calls/*/custom/input`],
    [`${place}/audio/transcript`],
    [`${place}/audio/data`],
    [`${place}/images/*/image_url/url`],
  ];
}

/**
 * Chat Completions now call the limit `max_completion_tokens`, and reasoning models take nothing else; most compatible
 * servers know `max_tokens`.
 */
function limit(path: string, model: string): OutputLimit | undefined {
  if (path.endsWith('/responses')) return { members: [['max_output_tokens']], answers: [], negativeIsNone: false };
  if (!path.endsWith('/completions')) return undefined;
  const names = path.endsWith('/chat/completions') ? ['max_tokens', 'max_completion_tokens'] : ['max_tokens'];
  const members = (REASONING.test(model) ? names.toReversed() : names).map((name) => [name]);
  if (path.endsWith('/chat/completions')) return { members, answers: [['n']], negativeIsNone: false };
  // Of the best of several answers all are made, and all count.
  return { members, answers: [['n'], ['best_of']], prompts: ['prompt'], negativeIsNone: false };
}

/** OpenAI's models that refuse `max_tokens`; a gateway in front of several vendors puts `openai/` before the name. */
const REASONING = /^(?:openai\/)?(?:o\d|gpt-[5-9])/;

function meaning(facts: Facts): EventMeaning {
  const type = textAt(facts, '/type');
  // Servers that came before vLLM's present form send an object of the kind `error` instead.
  if (tellsError(facts) || textAt(facts, '/object') === 'error' || FAILED.has(type)) return 'failed';
  // OpenRouter tells so of a vendor that failed. The reason alone may be one of the model's, such as a call that is no JSON.
  if (facts.has('/choices/*/error') && textAt(facts, '/choices/*/finish_reason') === 'error') return 'failed';
  if (LAST.has(type)) return 'last';
  return facts.has('/choices/*/finish_reason') ? 'closing' : 'content';
}

/** Whether there is an error. Some relays write an empty one into the answers of calls that went well. */
function tellsError(facts: Facts): boolean {
  const error = facts.get('/error');
  if (error === undefined) return false;
  if (error.kind !== 'other') return !isEmpty(error);
  return textAt(facts, '/error/message') !== '' || !ERROR_MEMBERS.every((pointer) => isEmpty(facts.get(pointer)));
}

function isEmpty(fact: Fact | undefined): boolean {
  return fact === undefined || (fact.kind === 'text' && fact.text === '') || (fact.kind === 'boolean' && !fact.value);
}

/** The event that `include_usage` adds to a stream: its list of choices is empty. */
function isUsageAlone(facts: Facts): boolean {
  return facts.has('/choices') && !facts.has('/choices/*') && facts.has('/usage/prompt_tokens');
}
