import { EventEmitter } from 'node:events';
import type { ServerHttp2Session } from 'node:http2';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { noticeDepartures } from '../../../src/server/edge/http2-departures.ts';

/** Bytes that one look brings. */
const BROUGHT = 500;

/** A connection below HTTP/2 that brings bytes whenever it is read. */
class Connection {
  readonly destroyed = false;
  readonly calls: string[] = [];
  readonly _handle = {
    writeQueueSize: 0,
    bytesWritten: 0,
    bytesRead: 0,
    readStart: (): void => {
      this.calls.push('start');
      this._handle.bytesRead += BROUGHT;
    },
    readStop: (): void => void this.calls.push('stop'),
  };
}

let socket: Connection;
let session: EventEmitter;
/** A request under way. */
let stream: EventEmitter;

beforeEach(() => {
  // Not `setTimeout`: what other files of this worker left behind would be counted as timers of this one.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'] });
  socket = new Connection();
  session = new EventEmitter();
  noticeDepartures({ session: session as ServerHttp2Session, socket, mostBytes: 3 * BROUGHT });
  stream = new EventEmitter();
  session.emit('stream', stream);
});
afterEach(() => void vi.useRealTimers());

describe('noticeDepartures', () => {
  it('leaves a connection alone on which no write waits', async () => {
    await vi.advanceTimersByTimeAsync(10_000);
    expect(socket.calls).toEqual([]);
  });

  it('reads a turn at a time while a write waits', async () => {
    socket._handle.writeQueueSize = 1;
    await vi.advanceTimersByTimeAsync(510);
    expect(socket.calls).toEqual(['start', 'stop', 'start', 'stop']);
  });

  it('reads no more than the bound while one write waits', async () => {
    socket._handle.writeQueueSize = 1;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(socket._handle.bytesRead).toBe(3 * BROUGHT);
    socket._handle.bytesWritten = 1;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(socket._handle.bytesRead).toBe(6 * BROUGHT);
  });

  it('does not stop what Node reads again after the write', async () => {
    socket._handle.writeQueueSize = 1;
    socket._handle.readStart = () => {
      socket.calls.push('start');
      socket._handle.writeQueueSize = 0;
    };
    await vi.advanceTimersByTimeAsync(500);
    expect(socket.calls).toEqual(['start']);
  });

  it('rests where no request is under way, and goes on with the next one', async () => {
    socket._handle.writeQueueSize = 1;
    stream.emit('close');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(socket.calls).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
    session.emit('stream', new EventEmitter());
    await vi.advanceTimersByTimeAsync(260);
    expect(socket.calls).toEqual(['start', 'stop']);
  });

  it('ends with the session', async () => {
    socket._handle.writeQueueSize = 1;
    session.emit('close');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(socket.calls).toEqual([]);
  });
});
