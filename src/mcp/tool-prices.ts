import { type BodyChange, joined, MOST_HELD_BYTES } from './body-change.ts';
import { annotateTools, type ToolNotes } from './tool-list.ts';
import { holdsMark } from './unpaid-answer.ts';

/** Writes prices into a list of tools. The answer is searched for results of priced calls like any other. */
export class ToolPrices implements BodyChange {
  readonly waits = true;
  readonly #unpaid: BodyChange;
  readonly #isStream: boolean;
  readonly #notes: ToolNotes;
  readonly #held: Buffer[] = [];
  #size = 0;

  /** @param unpaid removes results of priced calls */
  constructor(unpaid: BodyChange, isStream: boolean, notes: ToolNotes) {
    this.#unpaid = unpaid;
    this.#isStream = isStream;
    this.#notes = notes;
  }

  pass(chunk: Buffer): readonly Buffer[] {
    this.#size += chunk.length;
    this.#held.push(chunk);
    if (this.#size <= MOST_HELD_BYTES) return [];
    return this.#held.splice(0).flatMap((each) => this.#unpaid.pass(each));
  }

  end(): readonly Buffer[] {
    if (this.#size > MOST_HELD_BYTES) return this.#unpaid.end();
    const again = this.#toldAgain();
    if (again !== undefined) return again;
    const body = joined([...this.#held.flatMap((each) => this.#unpaid.pass(each)), ...this.#unpaid.end()]);
    return [annotateTools(body, this.#isStream, this.#notes) ?? body];
  }

  /**
   * The body with the prices of a known list, unless the body may have to be withheld. The text around the list decides
   * that: it has the id and the method of the message.
   */
  #toldAgain(): readonly Buffer[] | undefined {
    const found = this.#notes.known.lists.find(this.#held, this.#isStream);
    if (found === undefined || holdsMark(found.before) || holdsMark(found.behind)) return undefined;
    // Output schemas may have been forgotten meanwhile; all else is known.
    for (const name of found.list.withSchema) this.#notes.seen(name, true);
    return [found.before, found.list.told, found.behind];
  }
}
