import { describe, expect, it } from 'vitest';
import { DEFENCES } from '../security/defences/defences.ts';
import { findCondition, readSources } from '../security/defences/find-condition.ts';
import { repositoryPath } from '../support/docs/markdown.ts';

const sources = readSources(repositoryPath('.'));

/** What `npm run defences` takes out; that takes minutes, and this shows at once when a defence has gone. */
describe('the list of defences', () => {
  it.each(
    DEFENCES.map(({ holder, condition }) => [holder, condition] as const),
  )('finds in %s exactly once: %s', (holder, condition) => {
    expect(findCondition(sources, holder, condition)).not.toHaveProperty('problem');
  });
});

describe('a condition', () => {
  const text = `
/** One. */
export function one(
  request: Request,
): boolean {
  if (request.a > 1 && request.b) return true;
  return false;
}

export class Room {
  readonly #most = 3;

  take(): boolean {
    return this.#held < this.#most;
  }

  give(): void {
    this.#held < this.#most;
  }
}

const NAMES = ['a', 'b'];
`;
  const found = (holder: string, condition: string, files: Readonly<Record<string, string>> = { 'src/a.ts': text }) => {
    const place = findCondition(new Map(Object.entries(files)), holder, condition);
    return 'problem' in place ? place.problem : text.slice(place.start, place.end);
  };

  it('is found by the function, the method or the constant that holds it', () => {
    expect(found('one', 'request.a > 1 && ')).toBe('request.a > 1 && ');
    expect(found('Room.take', 'this.#held < this.#most')).toBe('this.#held < this.#most');
    expect(found('Room.#most', '3')).toBe('3');
    expect(found('NAMES', "'b'")).toBe("'b'");
  });

  it('is found wherever lines are broken', () => {
    expect(found('one', 'return true;\n\n return false;')).toBe('return true;\n  return false;');
  });

  it.each([
    ['two', 'request.a', 'nothing is called two'],
    ['one', 'this.#held', 'the condition stands in one 0 times'],
    ['Room', 'this.#held < this.#most', 'the condition stands in Room 2 times'],
    ['on', 'request.a', 'nothing is called on'],
  ])('of %s, %s, is not guessed', (holder, condition, problem) => {
    expect(found(holder, condition)).toBe(problem);
  });

  it('that is in two files is not found', () => {
    expect(found('one', 'request.a', { 'src/a.ts': text, 'src/b.ts': text })).toBe(
      'the condition stands in one 2 times',
    );
  });
});
