import { describe, expect, it } from 'vitest';
import { connectionBound, mostOpenFiles } from '../../../src/server/descriptor-room.ts';
import { planOf } from '../../support/gateway.ts';

const LIMITS = (files: string) =>
  [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max cpu time              unlimited            unlimited            seconds   ',
    `Max open files            ${files.padEnd(20)} ${files.padEnd(20)} files     `,
    '',
  ].join('\n');

describe('the most files that a process may have open', () => {
  it('are what the system says', () => {
    expect(mostOpenFiles(() => LIMITS('4096'))).toBe(4096);
  });

  it('have no bound where the system says none, or nothing', () => {
    expect(mostOpenFiles(() => LIMITS('unlimited'))).toBe(Number.POSITIVE_INFINITY);
    expect(
      mostOpenFiles(() => {
        throw new Error('ENOENT');
      }),
    ).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the most client connections', () => {
  it.for([
    [Number.POSITIVE_INFINITY, 10_000],
    [65_536, 10_000],
    [4096, 4096 - 192 - 512],
    [1024, (1024 - 192) / 2],
    [256, 64],
  ])('are, where %d files may be open, %d', async ([files = 0, bound]) => {
    const plan = await planOf('upstream: http://127.0.0.1:1\nstore: memory\nroutes: [{ path: /*, price: free }]\n');
    expect(connectionBound(plan, files)).toBe(bound);
  });

  it('leave files for each server of each upstream', async () => {
    const plan = await planOf(
      'upstream: { url: [http://127.0.0.1:1, http://127.0.0.1:2], connections: 300 }\nstore: memory\nroutes: [{ path: /*, price: free }, { path: /b, price: free, upstream: http://127.0.0.1:3 }]\n',
    );
    expect(connectionBound(plan, 4096)).toBe(4096 - 192 - 600 - 512);
  });
});
