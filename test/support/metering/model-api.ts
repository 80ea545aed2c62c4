import type { ServerResponse } from 'node:http';
import { sse } from './answers.ts';
import { type MeteredApi, type SeenRequest, startMeteredApi } from './metered-api.ts';

/** What one answer of a model uses, in tokens. */
export interface ModelUsage {
  readonly input: number;
  readonly output: number;
}

/** What every model says, and the pieces in which it says it in a stream. */
export const MODEL_WORDS: readonly string[] = ['Grüße, ', 'world ', '🌍'];

/** The members of a call that decide its answer. */
interface ModelCall {
  readonly model: string;
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
}

/**
 * Starts a server of language models that speaks OpenAI's Chat Completions and Anthropic's Messages, whole and as streams. As OpenAI does, it tells
 * the usage of a stream only where it was asked to. A model that it does not have gets 404.
 */
export async function startModelApi(models: Readonly<Record<string, ModelUsage>>): Promise<MeteredApi> {
  const api = await startMeteredApi();
  api.answer = (response, request) => {
    const call: ModelCall = JSON.parse(request.body);
    const usage = models[call.model];
    if (usage === undefined) sendJson(response, 404, { error: { message: `no model ${call.model}` } });
    else answer(response, request, call, usage);
  };
  return api;
}

function answer(response: ServerResponse, { path }: SeenRequest, call: ModelCall, usage: ModelUsage): void {
  const dialect = DIALECTS[path];
  if (dialect === undefined) sendJson(response, 404, { error: { message: `no ${path}` } });
  else if (call.stream === true) sendEvents(response, dialect.events(call, usage));
  else sendJson(response, 200, dialect.whole(call, usage));
}

/** How a call is answered. */
interface Dialect {
  readonly whole: (call: ModelCall, usage: ModelUsage) => object;
  readonly events: (call: ModelCall, usage: ModelUsage) => readonly (object | string)[];
}

const DIALECTS: Readonly<Record<string, Dialect>> = {
  '/v1/chat/completions': { whole: chatCompletion, events: chatEvents },
  '/v1/messages': { whole: message, events: messageEvents },
};

function chatCompletion({ model }: ModelCall, usage: ModelUsage): object {
  const said = { role: 'assistant', content: MODEL_WORDS.join(''), refusal: null };
  const choices = [{ index: 0, message: said, logprobs: null, finish_reason: 'stop' }];
  return { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model, choices, usage: chatUsage(usage) };
}

function chatEvents({ model, stream_options: options }: ModelCall, usage: ModelUsage): readonly (object | string)[] {
  const asked = options?.include_usage === true;
  const chunk = (choices: readonly object[], told: object | null = null): object => ({
    ...{ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model, choices },
    ...(asked ? { usage: told } : {}),
  });
  return [
    ...MODEL_WORDS.map((content) => chunk([{ index: 0, delta: { content }, finish_reason: null }])),
    chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
    ...(asked ? [chunk([], chatUsage(usage))] : []),
    '[DONE]',
  ];
}

function chatUsage({ input, output }: ModelUsage): object {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

function message({ model }: ModelCall, { input, output }: ModelUsage): object {
  return {
    ...{ id: 'msg_1', type: 'message', role: 'assistant', model, stop_reason: 'end_turn', stop_sequence: null },
    content: [{ type: 'text', text: MODEL_WORDS.join('') }],
    usage: { input_tokens: input, output_tokens: output },
  };
}

function messageEvents(call: ModelCall, usage: ModelUsage): readonly object[] {
  const begun = { ...message(call, { input: usage.input, output: 1 }), content: [], stop_reason: null };
  return [
    { type: 'message_start', message: begun },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...MODEL_WORDS.map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: usage.output },
    },
    { type: 'message_stop' },
  ];
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

function sendEvents(response: ServerResponse, events: readonly (object | string)[]): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
  for (const event of events) response.write(sse([event]));
  response.end();
}
