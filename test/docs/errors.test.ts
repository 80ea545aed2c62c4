import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/domain/gateway-error.ts';
import { columnOf, rowsOf, sourceTextBelow } from '../support/docs/markdown.ts';

const PAGE = 'docs/errors.md';
/** Folders whose snake-case literals are reasons, as far as they begin with one of the specification's words. */
const CHECKERS = ['src/protocol', 'src/scheme', 'src/facilitator', 'src/pipeline'];
const REASON =
  /'((?:invalid|payment|permit2|unsupported|resource|asset|eip\d+|unexpected|settlement|upto|mpp)_[a-z0-9_]+)'/g;

const codes = rowsOf(PAGE, 'code', 'status');
const reasons = columnOf(rowsOf(PAGE, 'reason', 'by'), 'reason');
const literals = new Set(
  CHECKERS.flatMap((folder) => [...sourceTextBelow(folder).matchAll(REASON)].map(([, name = '']) => name)),
);

describe('docs/errors.md', () => {
  it('lists every public error code, in the order of the table in the code, and no other', () => {
    expect(columnOf(codes, 'code')).toEqual(Object.keys(ERROR_CODES));
  });

  it('gives every code the status, source, retry rule and title that the gateway answers with', () => {
    const documented = codes.map((row) => ({
      code: row['code'],
      status: row['status'],
      source: row['source'],
      retryable: row['retryable'],
      title: row['meaning'],
    }));
    const coded = Object.entries(ERROR_CODES).map(([code, { status, source, retryable, title }]) => ({
      code: `\`${code}\``,
      status: String(status),
      source,
      retryable: retryable ? 'yes' : 'no',
      title,
    }));
    expect(documented).toEqual(coded);
  });

  it('tells buyer and operator what to do about every code', () => {
    const silent = codes.filter((row) => row['the buyer should'] === '' || row['the operator should'] === '');
    expect(silent).toEqual([]);
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
