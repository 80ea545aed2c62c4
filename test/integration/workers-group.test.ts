import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProcessEnd, WorkerProcess } from '../../src/server/workers/processes.ts';
import { WorkerGroup } from '../../src/server/workers/worker-group.ts';
import type { PrimaryMessage, WorkerMessage } from '../../src/server/workers/worker-line.ts';

const FILES: ReadonlyMap<string, string> = new Map([['gateway.yaml', 'listen: …']]);
const READY = [{ name: 'configuration', scope: 'process', ready: true } as const];
const OUT = { scope: 'process', ready: false } as const;

/** A worker process that a test plays. */
interface PlayedWorker {
  readonly process: WorkerProcess;
  readonly heard: readonly PrimaryMessage[];
  readonly killed: () => boolean;
  /** The number of listeners for its messages. */
  readonly listeners: () => number;
  say(message: WorkerMessage): void;
  serve(owner?: string): void;
  /** Ends it, and resolves when all listeners have run. */
  end(end?: ProcessEnd): Promise<void>;
}

function playWorker(pid: number): PlayedWorker {
  const listeners = new Set<(message: WorkerMessage) => void>();
  const heard: PrimaryMessage[] = [];
  const gone = new AbortController();
  const ended = Promise.withResolvers<ProcessEnd>();
  let killed = false;
  const say = (message: WorkerMessage): void => {
    for (const listener of listeners) listener(message);
  };
  return {
    heard,
    listeners: () => listeners.size,
    killed: () => killed,
    say,
    serve(owner = `owner-${pid}`) {
      say({ kind: 'hello' });
      say({ kind: 'pulse', checks: READY, settlers: [] });
      say({ kind: 'listening', url: 'http://127.0.0.1:8402', owner });
    },
    async end(end = { code: null, signal: 'SIGKILL' }) {
      gone.abort();
      ended.resolve(end);
      await vi.advanceTimersByTimeAsync(0);
    },
    process: {
      pid,
      ended: ended.promise,
      kill: () => {
        killed = true;
        ended.resolve({ code: null, signal: 'SIGKILL' });
      },
      line: {
        gone: gone.signal,
        send: (message) => void heard.push(message),
        receive(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    },
  };
}

function playCrew(size: number) {
  const workers: PlayedWorker[] = [];
  const group = new WorkerGroup({
    size,
    contents: FILES,
    log: pino({ level: 'silent' }),
    fork: () => {
      const worker = playWorker(workers.length + 1);
      workers.push(worker);
      return worker.process;
    },
    forked: () => {},
    serving: () => {},
    settlersInUse: () => {},
    clock: Date.now,
  });
  const at = (index: number): PlayedWorker => {
    const worker = workers.at(index);
    if (worker === undefined) throw new Error(`there is no worker ${index}`);
    return worker;
  };
  return { group, workers, at };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a group of workers', () => {
  it('is started when all of them serve, on the files that were checked', async () => {
    const { group, at } = playCrew(2);
    let started = false;
    const starting = group.start().then((url) => {
      started = true;
      return url;
    });
    at(0).serve();
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toBe(false);
    expect(group.checks()).toContainEqual({ ...OUT, name: 'worker 2', detail: 'starting' });
    at(1).serve();
    expect(await starting).toBe('http://127.0.0.1:8402');
    expect(at(1).heard).toEqual([{ kind: 'begin', worker: 2, contents: FILES }]);
    expect(group.checks().every(({ ready }) => ready)).toBe(true);
  });

  it('does not start when one of them says why it cannot', async () => {
    const { group, at, workers } = playCrew(2);
    const starting = expect(group.start()).rejects.toThrow('the ledger cannot be opened');
    at(0).serve();
    at(1).say({ kind: 'failed', fault: { name: 'Error', message: 'the ledger cannot be opened', system: {} } });
    await at(1).end({ code: 0, signal: null });
    await starting;
    expect(workers).toHaveLength(2);
  });

  it('replaces a worker that ends, and tells another one to take over its work', async () => {
    const { group, at, workers } = playCrew(2);
    void group.start();
    at(0).serve();
    at(1).serve('lost');
    await at(1).end();
    expect(at(0).heard.at(-1)).toEqual({ kind: 'inherit', owner: 'lost' });
    expect(workers).toHaveLength(3);
    at(2).serve();
    expect(at(2).heard).toEqual([{ kind: 'begin', worker: 2, contents: FILES }]);
    expect(group.checks().every(({ ready }) => ready)).toBe(true);
  });

  it('waits longer each time for one that ends again and again, and never gives up while another serves', async () => {
    const { group, at, workers } = playCrew(2);
    void group.start();
    at(0).serve();
    at(1).serve();
    const waits: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      const [before, since] = [workers.length, Date.now()];
      await at(-1).end();
      while (workers.length === before) await vi.advanceTimersToNextTimerAsync();
      waits.push(Date.now() - since);
    }
    await at(-1).end();
    expect(group.checks()).toContainEqual({ ...OUT, name: 'worker 2', detail: 'ended by SIGKILL' });
    expect(waits).toEqual([0, 250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it('is lost, with the reason, when no worker serves and new ones keep ending', async () => {
    const { group, at } = playCrew(1);
    void group.start();
    at(0).serve();
    for (let round = 0; round < 5; round += 1) {
      await at(-1).end({ code: 7, signal: null });
      await vi.advanceTimersByTimeAsync(15_000);
    }
    expect(await group.lost).toMatchObject({ message: 'worker 1 ended with code 7' });
  });

  it('adds no listeners to a worker, however often the configuration changes', async () => {
    const { group, at } = playCrew(1);
    void group.start();
    at(0).serve();
    const before = at(0).listeners();
    for (let reload = 1; reload <= 20; reload += 1) {
      const reloading = group.reload(new Map([['gateway.yaml', `# ${reload}`]]));
      await vi.advanceTimersByTimeAsync(0);
      at(0).say({ kind: 'prepared', reload, fault: undefined });
      await reloading;
    }
    expect(at(0).listeners()).toBe(before);
  });

  it('is not ready while one of them does not answer', async () => {
    const { group, at } = playCrew(1);
    void group.start();
    at(0).serve();
    await vi.advanceTimersByTimeAsync(5001);
    expect(group.checks()).toEqual([{ ...OUT, name: 'worker 1', detail: 'does not answer' }]);
    at(0).say({ kind: 'pulse', checks: READY, settlers: [] });
    expect(group.checks()).toEqual([{ name: 'worker 1: configuration', scope: 'process', ready: true }]);
  });

  it('ends a worker that does not come to serve', async () => {
    const { group, at } = playCrew(1);
    void group.start();
    at(0).say({ kind: 'hello' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(at(0).killed()).toBe(true);
  });

  it('drains all, replaces nobody, and ends those that take too long', async () => {
    const { group, at, workers } = playCrew(2);
    void group.start();
    at(0).serve();
    at(1).serve();
    const draining = group.drain(30_000);
    await at(0).end({ code: 0, signal: null });
    expect(at(1).heard.at(-1)).toEqual({ kind: 'drain', withinMs: 30_000 });
    await vi.advanceTimersByTimeAsync(44_999);
    expect(at(1).killed()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(at(1).killed()).toBe(true);
    await draining;
    expect(workers).toHaveLength(2);
  });
});
