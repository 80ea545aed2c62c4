import type { Output } from './terminal.ts';

const GONE: ReadonlySet<unknown> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]);

/** Whether a write failed because the reader has stopped reading, as `head` does: that is no fault. */
export function isReaderGone(fault: Error): boolean {
  return 'code' in fault && GONE.has(fault.code);
}

/** Notes the faults of an output's writes: otherwise they would end the process. */
export class OutputFaults {
  #first: Error | undefined;

  constructor(output: Output) {
    output.on('error', (fault: Error) => {
      if (!isReaderGone(fault)) this.#first ??= fault;
    });
  }

  /**
   * Resolves with the first fault that lost a part of what was written, as on a full disk. Files are written at once, and
   * only they can be full: a pipe that is read slowly is not waited for.
   */
  async first(): Promise<Error | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.#first;
  }
}
