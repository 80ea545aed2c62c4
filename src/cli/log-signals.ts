import type { LogSignal, Terminal } from './terminal.ts';

const SIGNALS: readonly LogSignal[] = ['SIGUSR1', 'SIGUSR2'];

/**
 * Takes the signals that tell other servers to open their log files anew, which rotators of logs send each day, and does
 * nothing: the log goes to stdout. Without a listener SIGUSR1 opens Node's debugger on a port where every user of the
 * machine can run code in this process, which holds keys, and SIGUSR2 ends it.
 *
 * @returns gives the signals back to Node
 */
export function takeLogSignals(terminal: Terminal): () => void {
  const listener = (): void => {};
  for (const signal of SIGNALS) terminal.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) terminal.off(signal, listener);
  };
}
