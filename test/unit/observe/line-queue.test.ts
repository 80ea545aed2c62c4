import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MOST_WAITING_CHARS } from '../../../src/observe/line-queue.ts';
import { droppedLines, openLog } from '../../../src/observe/log.ts';
import { createMetrics } from '../../../src/observe/metrics.ts';

const FILLER = 'x'.repeat(1_000);
const LINES = 3_000;

/** A log whose output nobody has read yet, after more lines than it may hold. */
async function stalledLog() {
  const out = new PassThrough();
  const log = await openLog(out);
  for (let n = 0; n < LINES; n += 1) {
    log.info({ n, filler: FILLER });
    if (n % 100 === 0) await turn();
  }
  await turn();
  return { out, log };
}

/** Reads until a line of this message has come. */
async function readUntil(out: PassThrough, msg: string): Promise<Record<string, unknown>[]> {
  let text = '';
  out.setEncoding('utf8');
  while (!text.includes(`"msg":"${msg}"}\n`)) {
    const chunk: unknown = out.read();
    if (typeof chunk === 'string') text += chunk;
    else await once(out, 'readable');
  }
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('a log that nobody reads', () => {
  it('holds no more than its bound', async () => {
    const { out, log } = await stalledLog();
    expect(out.writableLength + out.readableLength).toBeLessThan(MOST_WAITING_CHARS + 200_000);
    expect(droppedLines(log)).toBeGreaterThan(LINES / 2);
  });

  it('says how many lines are missing when it is read again, and goes on with the next one', async () => {
    const { out, log } = await stalledLog();
    const dropped = droppedLines(log);
    const read = await readUntil(out, 'log lines dropped');
    expect(read.at(-1)).toMatchObject({ level: 40, dropped, msg: 'log lines dropped' });
    expect(read.slice(0, -1).map(({ n }) => n)).toEqual(Array.from({ length: LINES - dropped }, (_, n) => n));
    log.info('next');
    expect((await readUntil(out, 'next')).map(({ msg }) => msg)).toEqual(['next']);
    expect(droppedLines(log)).toBe(dropped);
  });

  it('counts the lines that are missing in a metric, each once', async () => {
    const { log } = await stalledLog();
    const metrics = createMetrics();
    metrics.readDroppedLines(() => droppedLines(log));
    await metrics.render();
    expect((await metrics.render()).body).toContain(`\nturnpike_log_lines_dropped_total ${droppedLines(log)}\n`);
  });
});

it('a log that is read drops nothing', async () => {
  const out = new PassThrough();
  const log = await openLog(out);
  log.info('one');
  log.child({ part: 'b' }).info('two');
  expect((await readUntil(out, 'two')).map(({ msg }) => msg)).toEqual(['one', 'two']);
  expect(droppedLines(log)).toBe(0);
});

describe('a log that cannot be written', () => {
  it('counts the lines that are lost, as on a full disk', async () => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const out = new Writable({ write: (_chunk, _encoding, done) => done(full) }).on('error', () => undefined);
    const log = await openLog(out);
    for (const n of [1, 2, 3]) log.info({ n });
    await turn();
    await turn();
    expect(droppedLines(log)).toBe(3);
    log.info({ n: 4 });
    await turn();
    await turn();
    expect(droppedLines(log)).toBe(4);
  });
});
