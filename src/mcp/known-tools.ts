import { KnownLists } from './known-lists.ts';

/** A tool of a list as it was read. */
export interface KnownTool {
  /** Its text as it is sent to clients. */
  readonly told: string;
  /** `undefined` for what has no name, and is no tool. */
  readonly name: string | undefined;
  readonly hasOutputSchema: boolean;
}

/** Most characters of texts that are kept. */
const MOST_CHARACTERS = 8 * 1024 * 1024;

/** A bounded memo of tools by their texts: every client gets the same lists. When full, it is emptied. */
export class KnownTools {
  /** Whole lists of them. */
  readonly lists = new KnownLists();
  readonly #tools = new Map<string, KnownTool>();
  #characters = 0;

  /** The tool of a text, read where it is not known. */
  of(text: string, read: (text: string) => KnownTool | undefined): KnownTool | undefined {
    const known = this.#tools.get(text);
    if (known !== undefined) return known;
    const made = read(text);
    if (made !== undefined) this.#keep(text, made);
    return made;
  }

  #keep(text: string, tool: KnownTool): void {
    const length = text.length + tool.told.length;
    if (length > MOST_CHARACTERS) return;
    if (this.#characters + length > MOST_CHARACTERS) {
      this.#tools.clear();
      this.#characters = 0;
    }
    this.#tools.set(text, tool);
    this.#characters += length;
  }
}
