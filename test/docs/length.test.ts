import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readRepositoryFile, repositoryPath } from '../support/docs/markdown.ts';

/** What a busy operator can be asked to read. A page that grows makes another one shorter. */
const MOST_WORDS = 28_000;

/** Words are what stands between blanks and holds a letter or a digit. */
function wordsIn(path: string): number {
  return readRepositoryFile(path)
    .split(/\s+/)
    .filter((token) => /[\p{L}\p{N}]/u.test(token)).length;
}

describe('README.md and the pages of docs', () => {
  it(`have at most ${MOST_WORDS} words in all`, () => {
    const pages = readdirSync(repositoryPath('docs')).filter((name) => name.endsWith('.md'));
    const counts = ['README.md', ...pages.map((name) => `docs/${name}`)].map((path) => ({
      path,
      words: wordsIn(path),
    }));
    const all = counts.reduce((sum, { words }) => sum + words, 0);
    const longest = counts.toSorted((a, b) => b.words - a.words).map(({ path, words }) => `${path} ${words}`);
    expect(all, `${all} words: ${longest.join(', ')}`).toBeLessThanOrEqual(MOST_WORDS);
  });
});
