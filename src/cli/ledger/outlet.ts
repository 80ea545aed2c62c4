import { CommandFailure } from '../exit.ts';
import { isReaderGone } from '../output-fault.ts';
import type { Output } from '../terminal.ts';

/** The reader of the output has stopped reading, as `head` does: no fault, and a reason to end. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

/** The output of long results: the next part is written after the last one was taken. */
export class Outlet {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  /**
   * Writes text, and waits until the output has taken it, so that no more than one part is in memory.
   *
   * @throws ReaderGone
   * @throws CommandFailure when it could not be written, as on a full disk: half an export must not look like a whole one
   */
  write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#output.write(text, (fault) => {
        if (fault === null || fault === undefined) return resolve();
        const why = isReaderGone(fault)
          ? new ReaderGone()
          : new CommandFailure(`the output cannot be written: ${fault.message}`);
        reject(why);
      });
    });
  }

  /** Writes lines, each with its end. */
  async lines(lines: readonly string[], end = '\n'): Promise<void> {
    if (lines.length > 0) await this.write(lines.map((line) => line + end).join(''));
  }
}
