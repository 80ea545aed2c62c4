import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/domain/gateway-error.ts';
import { ERROR_PAGES, withErrorTable } from '../support/docs/error-tables.ts';
import { readRepositoryFile } from '../support/docs/markdown.ts';

const PAGE = 'docs/troubleshooting.md';
const page = readRepositoryFile(PAGE);

describe('docs/troubleshooting.md', () => {
  it('has the table that the code generates', () => {
    expect(page).toBe(withErrorTable(page, ERROR_PAGES[PAGE]()));
  });

  it('names every public error code, with what to check or among those that need no action', () => {
    const [, part = ''] = page.split('## By code');
    expect(Object.keys(ERROR_CODES).filter((code) => !part.includes(`\`${code}\``))).toEqual([]);
  });
});
