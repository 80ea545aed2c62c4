import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/domain/gateway-error.ts';
import { DIFFERENCE_IDS } from '../fidelity/compare.ts';
import { columnOf, namesIn, rowsOf } from '../support/docs/markdown.ts';

const PAGE = 'docs/http.md';

describe('docs/http.md', () => {
  it('lists the differences that the suite accounts for, in the same order', () => {
    expect(columnOf(rowsOf(PAGE, 'id', 'message', 'what is different'), 'id')).toEqual(DIFFERENCE_IDS);
  });

  it('names refusals by codes that exist, with their statuses', () => {
    const named = rowsOf(PAGE, 'request', 'answer').flatMap(({ answer = '' }) => answer.split(', '));
    expect(named.length).toBeGreaterThan(9);
    const wrong = named.filter((answer) => {
      const [code = ''] = namesIn(answer);
      const meaning = Object.entries(ERROR_CODES).find(([name]) => name === code)?.[1];
      return meaning === undefined || !answer.startsWith(String(meaning.status));
    });
    expect(wrong).toEqual([]);
  });
});
