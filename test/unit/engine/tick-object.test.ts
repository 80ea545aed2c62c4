import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const ENGINE = new URL('../../../src/engine/tick-object.ts', import.meta.url).href;

/** Whether a tick after a full collection has the hidden class of the object that is kept: what V8 compiled for holds. */
const PROGRAM = `
import { executionAsyncResource } from 'node:async_hooks';
import { keepTickObject, keptTickObject } from '${ENGINE}';
keepTickObject();
setTimeout(() => {
  globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  process.nextTick(() => {
    const kept = keptTickObject();
    console.log(kept !== undefined && %HaveSameMap(kept, executionAsyncResource()));
  });
}, 20);
`;

describe('the tick object that is kept', () => {
  it('keeps the class of all ticks through a full collection', () => {
    const options = [
      '--allow-natives-syntax',
      '--expose-gc',
      '--no-warnings',
      '--input-type=module',
      '--eval',
      PROGRAM,
    ];
    expect(execFileSync(process.execPath, options, { encoding: 'utf8' })).toBe('true\n');
  });
});
