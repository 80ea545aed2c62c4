import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { watchForStop } from '../../../src/cli/stop.ts';

function terminalOf(pid: number) {
  const signals = new EventEmitter();
  const exits: number[] = [];
  const terminal = {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: {},
    pid,
    on: (signal: string, listener: () => void) => signals.on(signal, listener),
    off: (signal: string, listener: () => void) => signals.off(signal, listener),
    exit: (code: number) => void exits.push(code),
  };
  return { terminal, signals, exits };
}

describe('signals to stop', () => {
  it('leave the second one to the system, which ends the process', async () => {
    const { terminal, signals } = terminalOf(4711);
    const watch = watchForStop(terminal);
    signals.emit('SIGTERM');
    expect(await watch.stopped()).toBe('SIGTERM');
    expect(signals.listenerCount('SIGTERM') + signals.listenerCount('SIGINT')).toBe(0);
  });

  it('end the first process of a container at the second one, which the system would not do', async () => {
    const { terminal, signals, exits } = terminalOf(1);
    const watch = watchForStop(terminal);
    signals.emit('SIGINT');
    expect([await watch.stopped(), exits]).toEqual(['SIGINT', []]);
    signals.emit('SIGTERM');
    expect(exits).toEqual([143]);
  });
});
