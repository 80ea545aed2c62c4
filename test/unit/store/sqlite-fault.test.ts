import { describe, expect, it } from 'vitest';
import { adviceOn } from '../../../src/store/sqlite/sqlite-fault.ts';

function fault(errcode: number): Error {
  return Object.assign(new Error('disk I/O error'), { errcode });
}

describe('the advice on a file that cannot be opened', () => {
  it.each([4618, 4874, 5130, 5386])('names the file system where it shares no memory: %i', (code) => {
    expect(adviceOn(fault(code))).toContain('local disk');
  });

  it.each([10, 14, 266])('is to look at the rights otherwise: %i', (code) => {
    expect(adviceOn(fault(code))).toContain('may write it');
  });
});
