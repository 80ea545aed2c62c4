import { once } from 'node:events';
import type { Terminal } from './terminal.ts';

/** A watch for SIGINT and SIGTERM. */
export interface StopWatch {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Resolves with the first signal. */
  stopped(): Promise<void>;
  /** Stops watching: signals do again what they do by default. */
  end(): void;
}

/**
 * Watches for the signal to stop, from now on. The first one asks for a graceful end; after it nothing watches any
 * more, so that a second one ends the process at once, as by default.
 */
export function watchForStop(terminal: Terminal): StopWatch {
  const controller = new AbortController();
  const { signal } = controller;
  const end = (): void => {
    terminal.off('SIGINT', stop);
    terminal.off('SIGTERM', stop);
  };
  const stop = (): void => {
    end();
    controller.abort(new Error('stopped by a signal'));
  };
  terminal.once('SIGINT', stop);
  terminal.once('SIGTERM', stop);
  return {
    signal,
    async stopped() {
      if (!signal.aborted) await once(signal, 'abort');
    },
    end,
  };
}
