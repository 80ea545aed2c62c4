import { describe, expect, it } from 'vitest';
import { Decision } from '../../../src/content/decision.ts';
import type { Fact, Facts } from '../../../src/content/fact.ts';
import { GatewayError } from '../../../src/domain/gateway-error.ts';
import type { When } from '../../../src/domain/when.ts';

const isModel = (...patterns: readonly string[]): When => [
  { subject: { kind: 'json', pointer: '/model' }, test: { kind: 'texts', patterns } },
];

/** What a request says at `/model`, and how often it was asked. */
class Asked implements Facts {
  times = 0;
  readonly #fact: Fact;

  constructor(fact: Fact) {
    this.#fact = fact;
  }

  of(): Fact {
    this.times += 1;
    return this.#fact;
  }
}

const model = (text: string): Asked => new Asked({ kind: 'text', text });

function table(count: number): Decision<{ readonly when: When; readonly name: string }> {
  const entries = Array.from({ length: count }, (_, at) => ({ when: isModel(`model-${at}`), name: `${at}` }));
  return new Decision(
    [...entries, { when: isModel('model-*'), name: 'wildcard' }, { when: [], name: 'rest' }],
    () => true,
  );
}

describe('choosing among entries', () => {
  it.each([3, 100])('takes the first that fits, of %i that test one value', (count) => {
    const decision = table(count);
    expect(decision.first(model('model-0'))?.name).toBe('0');
    expect(decision.first(model(`model-${count - 1}`))?.name).toBe(`${count - 1}`);
    expect(decision.first(model('model-x'))?.name).toBe('wildcard');
    expect(decision.first(model('other'))?.name).toBe('rest');
    expect(decision.first(new Asked({ kind: 'absent' }))?.name).toBe('rest');
  });

  it('looks at as many entries among a hundred as among three', () => {
    const [few, many] = [model('model-2'), model('model-2')];
    table(3).first(few);
    table(100).first(many);
    expect(many.times).toBe(few.times);
    expect(many.times).toBeLessThan(4);
  });

  it('keeps the order of the file between entries that are looked up and others', () => {
    const decision = new Decision(
      [
        { when: isModel('a'), name: 'a' },
        { when: isModel('b*'), name: 'b*' },
        { when: isModel('b', 'c'), name: 'b or c' },
        { when: isModel('d'), name: 'd' },
        { when: isModel('c'), name: 'late' },
      ],
      () => true,
    );
    expect(['a', 'b', 'c', 'd', 'e'].map((text) => decision.first(model(text))?.name)).toEqual([
      'a',
      'b*',
      'b or c',
      'd',
      undefined,
    ]);
  });

  it('refuses a structure where a text is compared, however many entries there are', () => {
    for (const count of [1, 100])
      expect(() => table(count).first(new Asked({ kind: 'structure' }))).toThrow(GatewayError);
  });

  it('takes a value that fits a price in its own spelling, where an earlier one begins alike in another case', () => {
    const decision = new Decision(
      [
        { when: isModel('qwen*'), name: 'dear' },
        { when: isModel('Qwen/*'), name: 'cheap' },
        { when: isModel('Q*'), name: 'any' },
        { when: [], name: 'rest' },
      ],
      (one) => one.name === 'dear',
    );
    expect(decision.first(model('Qwen/Qwen2.5-7B'))?.name).toBe('cheap');
    expect(decision.first(model('qwen/qwen2.5-7b'))?.name).toBe('dear');
    expect(decision.first(model('Q-1'))?.name).toBe('any');
    for (const text of ['Qwen-max', 'QWEN/Qwen2.5-7B', 'qwEn/'])
      expect(() => decision.first(model(text)), text).toThrow('/model is qwen*');
  });

  it.each([1, 3, 100])('refuses another spelling of an earlier value that is dearer, among %i', (count) => {
    const named = (name: string, text: string) => ({ when: isModel(text), name });
    const others = Array.from({ length: count }, (_, at) => named('other', `other-${at}`));
    const decision = new Decision(
      [
        named('dear', 'Dear-1'),
        ...others,
        named('literal', 'DEAR-1'),
        named('cheap', 'cheap'),
        { when: [], name: 'rest' },
      ],
      (one) => one.name === 'dear',
    );
    for (const text of ['dear-1', ' Dear-1', 'Dear-1\n', 'Dear\u200b-1'])
      expect(() => decision.first(model(text)), text).toThrow('/model is Dear-1');
    expect(decision.first(model('Dear-1'))?.name).toBe('dear');
    expect(decision.first(model('DEAR-1'))?.name).toBe('literal');
    expect(decision.first(model('Cheap'))?.name).toBe('rest');
    expect(decision.first(model('dear-10'))?.name).toBe('rest');
  });

  it('asks for the body only where it decides', () => {
    const post: When = [{ subject: { kind: 'method' }, test: { kind: 'texts', patterns: ['POST'] } }];
    const decision = new Decision(
      [
        { when: post, name: 'post' },
        { when: isModel('a'), name: 'a' },
        { when: [], name: 'rest' },
      ],
      () => true,
    );
    expect(decision.byHead(model('POST'))).toMatchObject({ kind: 'chosen', choice: { name: 'post' } });
    expect(decision.byHead(model('GET'))).toMatchObject({ kind: 'body', possible: [{ name: 'a' }, { name: 'rest' }] });
  });
});
