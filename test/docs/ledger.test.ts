import { describe, expect, it } from 'vitest';
import { STATE_MEANINGS } from '../../src/admin/state-meanings.ts';
import { CSV_HEADER } from '../../src/cli/ledger/csv.ts';
import { namesIn, readRepositoryFile, rowsOf } from '../support/docs/markdown.ts';

const PAGE = 'docs/ledger.md';

describe('docs/ledger.md', () => {
  it('says of every state what it means for an operator, once', () => {
    const documented = rowsOf(PAGE, 'state', 'the money', 'needs action').flatMap((row) => namesIn(row['state']));
    expect(documented.sort()).toEqual(Object.keys(STATE_MEANINGS).sort());
  });

  it('describes the columns of the CSV in their order', () => {
    expect(rowsOf(PAGE, 'column', 'holds').flatMap((row) => namesIn(row['column']))).toEqual(CSV_HEADER.split(','));
  });
});

describe('README.md', () => {
  it('links only to files that exist', () => {
    const links = [...readRepositoryFile('README.md').matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link = '']) => link);
    const local = links.filter((link) => !/^https?:/.test(link));
    expect(local.length).toBeGreaterThan(0);
    for (const link of local) expect(readRepositoryFile(link)).not.toBe('');
  });
});
