import { describe, expect, it } from 'vitest';
import { openAnswerMeter } from '../../../src/metering/open-answer-meter.ts';
import { changeForMeter } from '../../../src/metering/request-change.ts';
import { sse } from '../../support/metering/answers.ts';
import { family } from '../../support/metering/meter-answer.ts';

/* Clients that did not ask for usage take `choices[0]` of every event, and fail on one without. */

const WORD = { choices: [{ index: 0, delta: { content: 'hi' }, finish_reason: null }] };
const END = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
const USAGE = { prompt_tokens: 19, completion_tokens: 10 };
const ALONE = { choices: [], usage: USAGE };
const USED = { kind: 'used', model: undefined };

function sent(body: string, hidesUsage: boolean, piece = body.length, name: 'openai' | 'openrouter' = 'openai') {
  const head = {
    path: '/v1/chat/completions',
    contentType: 'text/event-stream',
    contentEncoding: undefined,
    header: () => undefined,
  };
  const meter = openAnswerMeter(family(name), head, () => 0, hidesUsage);
  const bytes = Buffer.from(body);
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += piece) out.push(...meter.push(bytes.subarray(at, at + piece)));
  const held = Buffer.concat(meter.finish()).toString();
  return { text: Buffer.concat(out).toString() + held, held, metered: meter.metered() };
}

describe('Usage that only the gateway asked for', () => {
  it.each([1, 7, 10_000])('does not reach the buyer, in pieces of %i bytes, and counts', (piece) => {
    const { text, held, metered } = sent(sse([WORD, END, ALONE, '[DONE]']), true, piece);
    expect(text).toBe(sse([WORD, END, '[DONE]']));
    expect(held).toBe(sse(['[DONE]']));
    expect(metered).toMatchObject(USED);
  });

  it.each([1, 10_000])('does not reach the buyer of a stream with CRLF, in pieces of %i bytes', (piece) => {
    const { text } = sent(sse([WORD, ALONE, '[DONE]'], '\r\n'), true, piece);
    // The CR ends the event. The LF behind it is one empty line more, which is no event.
    expect(text).toBe(`${sse([WORD], '\r\n')}\n${sse(['[DONE]'], '\r\n')}`);
  });

  it('does not reach the buyer where it is the last event', () => {
    expect(sent(sse([WORD, END, ALONE]), true).text).toBe(sse([WORD, END]));
    expect(sent(sse([WORD, '[DONE]', ALONE]), true).text).toBe(sse([WORD, '[DONE]']));
  });

  it.each([
    ['beside a choice', { ...END, usage: USAGE }],
    ['not there, as in the first event of Azure', { choices: [], prompt_filter_results: [] }],
    ['null', { choices: [], usage: null }],
    ['without a list of choices', { usage: USAGE }],
  ])('is the only thing that is taken out: it is %s', (_, event) => {
    const body = sse([WORD, event, '[DONE]']);
    expect(sent(body, true).text).toBe(body);
  });

  it('goes on where it is too long to be held', () => {
    const body = sse([WORD, { ...ALONE, pad: 'x'.repeat(1_200_000) }, '[DONE]']);
    expect(sent(body, true, 400_000).text).toBe(body);
  });

  it('reaches the buyer who asked for it', () => {
    const body = sse([WORD, END, ALONE, '[DONE]']);
    expect(sent(body, false).text).toBe(body);
  });
});

describe('A request', () => {
  const asks = (body: string): boolean | undefined =>
    changeForMeter({ path: '/v1/chat/completions', cap: undefined }, { rawHeaders: [], body: Buffer.from(body) })
      ?.asksForUsage;

  it.each([
    ['{"stream":true}', true],
    ['{"stream":true,"stream_options":{"include_usage":false}}', true],
    ['{"stream":true,"stream_options":{"include_usage":true}}', undefined],
    ['{"stream":false}', undefined],
  ])('%s has its usage asked for by the gateway: %s', (body, expected) => {
    expect(asks(body)).toBe(expected);
  });

  it('that gets a limit of output tokens alone keeps the usage that it asked for', () => {
    const cap = {
      limitOf: () => ({ members: [['max_tokens']], answers: [], negativeIsNone: false }),
      tokens: () => 9n,
    };
    const body = Buffer.from('{"stream":true,"stream_options":{"include_usage":true}}');
    const changed = changeForMeter({ path: '/v1/chat/completions', cap }, { rawHeaders: [], body });
    expect(changed).toMatchObject({ asksForUsage: false });
  });
});
