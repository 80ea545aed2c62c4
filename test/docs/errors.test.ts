import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/domain/gateway-error.ts';
import { ERROR_PAGES, withErrorTable } from '../support/docs/error-tables.ts';
import { columnOf, namesIn, readRepositoryFile, rowsOf, sourceTextBelow } from '../support/docs/markdown.ts';

const PAGE = 'docs/errors.md';
/** Folders whose snake-case literals are reasons, as far as they begin with one of the specification's words. */
const CHECKERS = ['src/protocol', 'src/scheme', 'src/facilitator', 'src/pipeline'];
const REASON =
  /'((?:invalid|payment|permit2|unsupported|resource|asset|eip\d+|unexpected|settlement|upto|mpp)_[a-z0-9_]+)'/g;

const reasons = rowsOf(PAGE, 'reason', 'meaning').flatMap((row) => namesIn(row['reason']));
const literals = new Set(
  CHECKERS.flatMap((folder) => [...sourceTextBelow(folder).matchAll(REASON)].map(([, name = '']) => name)),
);

describe('docs/errors.md', () => {
  it('has the table that the code generates: every public error code, in the order of the code', () => {
    const page = readRepositoryFile(PAGE);
    expect(page).toBe(withErrorTable(page, ERROR_PAGES[PAGE]()));
    expect(columnOf(rowsOf(PAGE, 'code', 'status'), 'code')).toEqual(Object.keys(ERROR_CODES));
  });

  it('tells the buyer what to do about every code that a retry does not cure', () => {
    const silent = rowsOf(PAGE, 'code', 'status').filter((row) => row['the buyer should'] === '');
    expect(silent.filter((row) => row['then'] !== 'retry')).toEqual([]);
  });

  it('explains every reason that a check of the gateway can give', () => {
    const unexplained = [...literals].filter((name) => !Object.hasOwn(ERROR_CODES, name) && !reasons.includes(name));
    expect(unexplained).toEqual([]);
  });

  it('explains no reason that nothing gives, and none twice', () => {
    expect(reasons.filter((name) => !literals.has(name))).toEqual([]);
    expect(reasons).toHaveLength(new Set(reasons).size);
  });
});
