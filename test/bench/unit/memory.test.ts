import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { highestDuring, residentMegabytes } from '../resident-memory.ts';

const MB = 1024 * 1024;

/** Says that it is there, and holds 200 MB once it is told to. */
const HOLD = `
  process.stdin.once('data', () => { globalThis.held = Buffer.alloc(200 * ${MB}, 1); console.log('held'); });
  console.log('ready');
`;

describe('resident memory', () => {
  it('is what the process itself says that it has', async () => {
    const own = process.memoryUsage.rss() / MB;
    const shown = await residentMegabytes(process.pid);
    expect(shown).toBeGreaterThan(own * 0.8);
    expect(shown).toBeLessThan(own * 1.2);
  });

  it('is looked at while the work goes on, and once more when it has ended', async () => {
    // A process of its own: what else this one holds comes and goes.
    const child = spawn(process.execPath, ['-e', HOLD], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const before = await residentMegabytes(child.pid ?? 0);
    child.stdin.write('hold');
    const work = once(child.stdout, 'data');
    expect(await highestDuring(child.pid ?? 0, work)).toBeGreaterThan(before + 150);
    child.kill();
    await once(child, 'exit');
  });

  it('is not told of work that failed', async () => {
    const work = Promise.reject(new Error('no answer'));
    await expect(highestDuring(process.pid, work)).rejects.toThrow('no answer');
  });

  it('of a process that is no more is an error', async () => {
    await expect(residentMegabytes(2 ** 22 + 1)).rejects.toThrow();
  });
});
