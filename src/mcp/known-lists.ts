import { joined } from './body-change.ts';
import { isListOfTools } from './tool-texts.ts';

/** A list of tools that was read: the bytes between its brackets, and the bytes that are sent instead. */
export interface KnownList {
  readonly bytes: Buffer;
  readonly told: Buffer;
  /** Names of its tools that have an output schema. */
  readonly withSchema: readonly string[];
}

/** A body that holds a known list. */
export interface FoundList {
  readonly list: KnownList;
  /** The bytes before the list, and those behind it. */
  readonly before: Buffer;
  readonly behind: Buffer;
}

/** Most lists that are kept, and the most bytes of one. A server has one list, or a few pages of it. */
const MOST_LISTS = 8;
const MOST_BYTES = 4 * 1024 * 1024;
/** Shorter lists are not kept: reading them is as fast as finding them. Longer ones are found by this many bytes. */
const LEAST_BYTES = 64;
/** Longest text before and after a list, in bytes: it holds a few members of a message. */
const MOST_AROUND = 4096;

/**
 * A bounded memo of lists of tools, by their bytes: every client gets the same list, in messages that differ in their
 * ids. A known list is not parsed again: after the same beginning, the same bytes are the same tools. It is compared in
 * place, because copying a long list would cost more than all other steps.
 */
export class KnownLists {
  /** The list that was kept or found last comes first. */
  readonly #lists: KnownList[] = [];

  keep(list: KnownList): void {
    if (list.bytes.length < LEAST_BYTES || list.bytes.length + list.told.length > MOST_BYTES) return;
    this.#lists.unshift(list);
    if (this.#lists.length > MOST_LISTS) this.#lists.pop();
  }

  /**
   * The known list in a body, near its beginning, as the list of tools of an answer; `undefined` where there is none.
   */
  find(body: readonly Buffer[], isStream: boolean): FoundList | undefined {
    const front = part(body, 0, MOST_AROUND + LEAST_BYTES);
    for (const [index, list] of this.#lists.entries()) {
      const at = front.indexOf(list.bytes.subarray(0, LEAST_BYTES));
      if (at === -1 || !standsAt(body, at, list.bytes)) continue;
      const end = at + list.bytes.length;
      const found = { list, before: front.subarray(0, at), behind: part(body, end, end + MOST_AROUND + 1) };
      if (found.behind.length > MOST_AROUND || !isWhole(found, isStream)) return undefined;
      if (index > 0) this.#lists.unshift(...this.#lists.splice(index, 1));
      return found;
    }
    return undefined;
  }
}

/** The bytes from `from` up to `to`, or up to the end, of a body in pieces. */
function part(body: readonly Buffer[], from: number, to: number): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const piece of body) {
    if (at >= to) break;
    if (at + piece.length > from) parts.push(piece.subarray(Math.max(0, from - at), to - at));
    at += piece.length;
  }
  return joined(parts);
}

/** Whether these bytes are at this position of a body in pieces. */
function standsAt(body: readonly Buffer[], place: number, bytes: Buffer): boolean {
  let at = 0;
  let compared = 0;
  for (const piece of body) {
    const from = Math.max(0, place - at);
    at += piece.length;
    if (from >= piece.length) continue;
    const length = Math.min(piece.length - from, bytes.length - compared);
    if (bytes.compare(piece, from, from + length, compared, compared + length) !== 0) return false;
    compared += length;
    if (compared === bytes.length) return true;
  }
  return false;
}

const LINE_FEED = 0x0a;
const FIELD = 'data:';

/** Whether bytes are the whole list of tools of a message: of the body, or of one line of a stream. */
function isWhole({ list, before, behind }: FoundList, isStream: boolean): boolean {
  if (!isStream) return isListOfTools(before.toString('latin1'), behind.toString('latin1'));
  const newline = behind.indexOf(LINE_FEED);
  if (newline === -1 || list.bytes.includes('\n') || list.bytes.includes('\r')) return false;
  const line = before.toString('latin1', before.lastIndexOf(LINE_FEED) + 1);
  if (!line.startsWith(FIELD)) return false;
  return isListOfTools(line.slice(FIELD.length), behind.toString('latin1', 0, newline));
}
