import { once } from 'node:events';
import type { StopSignal, Terminal } from './terminal.ts';

/** What a shell reports of a process that a signal ended: 128 and the signal's number. */
const EXIT_CODES: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143 };

/** A watch for SIGINT and SIGTERM. */
export interface StopWatch {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Resolves with the first signal. */
  stopped(): Promise<StopSignal>;
  /** Stops watching: signals do again what they do by default. */
  end(): void;
}

/**
 * Watches for the signal to stop, from now on. The first signal asks for a graceful end; a second one ends the process
 * at once. After the first signal the default action does that. Only in the first process of a container the listeners
 * stay, because the system does not deliver signals to it without a listener.
 */
export function watchForStop(terminal: Terminal): StopWatch {
  const controller = new AbortController();
  const { signal } = controller;
  let first: StopSignal = 'SIGTERM';
  const listeners = {
    SIGINT: () => stop('SIGINT'),
    SIGTERM: () => stop('SIGTERM'),
  };
  const end = (): void => {
    terminal.off('SIGINT', listeners.SIGINT);
    terminal.off('SIGTERM', listeners.SIGTERM);
  };
  const stop = (heard: StopSignal): void => {
    if (signal.aborted) {
      terminal.exit?.(EXIT_CODES[heard]);
      return;
    }
    first = heard;
    if (terminal.pid !== 1) end();
    controller.abort(new Error('stopped by a signal'));
  };
  terminal.on('SIGINT', listeners.SIGINT);
  terminal.on('SIGTERM', listeners.SIGTERM);
  return {
    signal,
    async stopped() {
      if (!signal.aborted) await once(signal, 'abort');
      return first;
    },
    end,
  };
}
