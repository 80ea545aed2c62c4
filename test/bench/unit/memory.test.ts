import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { highestDuring, residentMegabytes } from '../resident-memory.ts';

const MB = 1024 * 1024;

describe('resident memory', () => {
  it('is what the process itself says that it has', async () => {
    const own = process.memoryUsage.rss() / MB;
    const shown = await residentMegabytes(process.pid);
    expect(shown).toBeGreaterThan(own * 0.8);
    expect(shown).toBeLessThan(own * 1.2);
  });

  it('is looked at while the work goes on, and once more when it has ended', async () => {
    const before = await residentMegabytes(process.pid);
    const held: Buffer[] = [];
    const work = Promise.resolve().then(() => {
      held.push(Buffer.alloc(200 * MB, 1));
    });
    expect(await highestDuring(process.pid, work)).toBeGreaterThan(before + 150);
    expect(held).toHaveLength(1);
  });

  it('is not told of work that failed', async () => {
    const work = Promise.reject(new Error('no answer'));
    await expect(highestDuring(process.pid, work)).rejects.toThrow('no answer');
  });

  it('of a process that is no more is an error', async () => {
    await expect(residentMegabytes(2 ** 22 + 1)).rejects.toThrow();
  });
});
