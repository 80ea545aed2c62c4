import { createInterface, type Interface } from 'node:readline';
import { CommandFailure } from '../exit.ts';
import type { Terminal } from '../terminal.ts';

/** One question: its text, the answer that an empty line gives, and what is wrong with an answer. */
export interface Question {
  readonly text: string;
  readonly byDefault?: string;
  /** What is wrong with an answer; `undefined` where it is accepted. */
  readonly wrong: (answer: string) => string | undefined;
}

/** Asks questions on stderr, one after another, each until its answer will do. */
export class Questioner {
  readonly #terminal: Terminal;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    // No line editing, because it would keep Ctrl-C from the process.
    this.#lines = createInterface({ input: terminal.stdin, terminal: false });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** @throws CommandFailure when the input ends before an answer that will do */
  async ask({ text, byDefault, wrong }: Question): Promise<string> {
    for (;;) {
      this.#terminal.stderr.write(byDefault === undefined ? `${text}: ` : `${text} [${byDefault}]: `);
      const next = await this.#answers.next();
      if (next.done === true) throw new CommandFailure('the input ended before the last answer; nothing was written');
      const answer = next.value.trim() === '' ? (byDefault ?? '') : next.value.trim();
      const problem = answer === '' ? 'an answer is needed' : wrong(answer);
      if (problem === undefined) return answer;
      this.#terminal.stderr.write(`  ${problem}\n`);
    }
  }

  /** Lets go of the input. */
  close(): void {
    this.#lines.close();
  }
}
