import { describe, expect, it } from 'vitest';
import { parsePassId } from '../../../src/domain/pass.ts';
import { newPassId } from '../../../src/store/new-pass-id.ts';

describe('a new id of a pass', () => {
  it('never begins with a hyphen, so that it can stand on a command line', () => {
    const ids = Array.from({ length: 5000 }, newPassId);
    expect(ids.filter((id) => id.startsWith('-'))).toEqual([]);
    expect(ids.every((id) => parsePassId(id) === id)).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
