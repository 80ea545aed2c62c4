import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/domain/gateway-error.ts';
import { columnOf, rowsOf } from '../support/docs/markdown.ts';

const rows = rowsOf('docs/troubleshooting.md', 'code', 'means', 'look at');

describe('docs/troubleshooting.md', () => {
  it('has a row for every public error code, in the order of the table in the code, and no other', () => {
    expect(columnOf(rows, 'code')).toEqual(Object.keys(ERROR_CODES));
  });

  it('says what each means and where to look', () => {
    expect(rows.filter((row) => row['means'] === '' || row['look at'] === '')).toEqual([]);
  });
});
