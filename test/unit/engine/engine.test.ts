import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const FOLDER = new URL('../../../src/engine/', import.meta.url).href;

/** What a program prints that runs in a process of its own, with V8's own functions and collector within reach. */
function printedBy(program: string): string {
  const options = ['--allow-natives-syntax', '--expose-gc', '--no-warnings', '--input-type=module', '--eval', program];
  return execFileSync(process.execPath, options, { encoding: 'utf8' });
}

describe('what is set up for a gateway', () => {
  it('does without the compiler whose waiting work takes 30 MB', () => {
    const program = `
      import { setUpMemory } from '${FOLDER}engine.ts';
      const before = %IsMaglevEnabled();
      setUpMemory();
      console.log(before, %IsMaglevEnabled());`;
    expect(printedBy(program)).toBe('true false\n');
  });

  it('keeps the hidden class of all ticks through a full collection', () => {
    const program = `
      import { executionAsyncResource } from 'node:async_hooks';
      import { setUpMemory } from '${FOLDER}engine.ts';
      import { keptTickObject } from '${FOLDER}tick-object.ts';
      setUpMemory();
      setTimeout(() => {
        globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
        process.nextTick(() => {
          const kept = keptTickObject();
          console.log(kept !== undefined && %HaveSameMap(kept, executionAsyncResource()));
        });
      }, 20);`;
    expect(printedBy(program)).toBe('true\n');
  });
});
