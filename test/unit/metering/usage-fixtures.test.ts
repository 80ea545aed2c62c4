import { describe, expect, it } from 'vitest';
import type { Amount } from '../../../src/domain/amount.ts';
import { formatDecimal } from '../../../src/domain/decimal.ts';
import { parseRate, type Rates } from '../../../src/domain/rate.ts';
import { computeCharge } from '../../../src/metering/charge.ts';
import { sse } from '../../support/metering/answers.ts';
import { family, meterAnswer, type SampleAnswer } from '../../support/metering/meter-answer.ts';
import { type OracleRate, oracleCharge } from '../../support/metering/oracle.ts';

/*
 * Answers that APIs give beside those of `test/support/metering/answers.ts`, each with what it used as the vendor's documents
 * define it. The charge comes from an oracle that knows nothing of the code.
 */

const ORACLE: Readonly<Record<string, OracleRate>> = {
  input: ['2.5', '1000000'],
  cachedInput: ['0.25', '1000000'],
  output: ['10', '1000000'],
  seconds: ['0.006', '60'],
};
const RATES: Rates = new Map(
  Object.entries(ORACLE).map(([dimension, [price, per]]) => {
    const name = dimension as 'input' | 'cachedInput' | 'output' | 'seconds';
    const rate = parseRate(`$${price}/${per}`, name, { kind: 'usd' });
    if (rate === undefined) throw new Error(`no rate for ${dimension}`);
    return [name, rate];
  }),
);

const EVENTS = 'text/event-stream';
const json = (value: object): SampleAnswer => ({ contentType: 'application/json', body: JSON.stringify(value) });
const events = (...of: readonly (object | string)[]): SampleAnswer => ({ contentType: EVENTS, body: sse(of) });
const CHAT_USAGE = { prompt_tokens: 19, completion_tokens: 10, total_tokens: 29 };
const TOOL = '{\\"usage\\":{\\"prompt_tokens\\":0,\\"completion_tokens\\":0}}';

const FIXTURES: readonly (readonly [
  name: string,
  family: Parameters<typeof family>[0],
  answer: SampleAnswer,
  figures: Readonly<Record<string, string>>,
])[] = [
  [
    'a legacy completion, whole',
    'openai',
    json({ object: 'text_completion', model: 'm', choices: [{ text: 'hi' }], usage: CHAT_USAGE }),
    { input: '19', cachedInput: '0', output: '10' },
  ],
  [
    'a legacy completion as a stream',
    'openai',
    events(
      { object: 'text_completion', model: 'm', choices: [{ text: 'hi' }], usage: null },
      { object: 'text_completion', model: 'm', choices: [], usage: CHAT_USAGE },
      '[DONE]',
    ),
    { input: '19', cachedInput: '0', output: '10' },
  ],
  [
    'three choices, whose usage is told once for all',
    'openai',
    json({
      object: 'chat.completion',
      model: 'm',
      choices: [{ index: 0 }, { index: 1 }, { index: 2 }],
      usage: { prompt_tokens: 19, completion_tokens: 30 },
    }),
    { input: '19', cachedInput: '0', output: '30' },
  ],
  [
    'a response as a stream that completes',
    'openai',
    events(
      { type: 'response.created', sequence_number: 0, response: { model: 'm', usage: null } },
      { type: 'response.output_text.delta', sequence_number: 1, delta: 'hi' },
      {
        type: 'response.completed',
        sequence_number: 2,
        response: {
          model: 'm',
          usage: { input_tokens: 40, input_tokens_details: { cached_tokens: 8 }, output_tokens: 5 },
        },
      },
    ),
    { input: '32', cachedInput: '8', output: '5' },
  ],
  [
    'a chat completion whose tool is called with usage as its argument',
    'openai',
    events(
      {
        object: 'chat.completion.chunk',
        model: 'm',
        choices: [{ delta: { tool_calls: [{ index: 0, function: { name: 'f', arguments: TOOL } }] } }],
        usage: null,
      },
      { object: 'chat.completion.chunk', model: 'm', choices: [], usage: CHAT_USAGE },
      '[DONE]',
    ),
    { input: '19', cachedInput: '0', output: '10' },
  ],
  [
    'a message as a stream with two deltas, of which the last counts',
    'anthropic',
    events(
      { type: 'message_start', message: { model: 'm', usage: { input_tokens: 25, output_tokens: 1 } } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hi' } },
      { type: 'message_delta', delta: {}, usage: { output_tokens: 7 } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 15 } },
      { type: 'message_stop' },
    ),
    { input: '25', output: '15' },
  ],
  [
    'Ollama, whole',
    'ollama',
    json({ model: 'm', message: { content: 'hi' }, done: true, prompt_eval_count: 26, eval_count: 298 }),
    { input: '26', output: '298' },
  ],
];

describe.each(FIXTURES)('%s', (_, name, answer, figures) => {
  it('tells what was used, for the charge that an oracle computes', () => {
    const { metered } = meterAnswer(family(name), answer);
    if (metered.kind !== 'used') throw new Error(`it is ${metered.kind}`);
    const told = new Map([...metered.figures].filter(([, count]) => count.digits !== 0n));
    const expected = Object.entries(figures).filter(([, count]) => count !== '0');
    expect(new Map([...told].map(([dimension, count]) => [dimension, formatDecimal(count)]))).toEqual(
      new Map(expected as [never, string][]),
    );
    const bounds = { min: 0n as Amount, max: 500_000n as Amount, decimals: 6 };
    expect(computeCharge(metered.figures, RATES, bounds)).toBe(oracleCharge(figures, ORACLE, bounds));
  });
});
