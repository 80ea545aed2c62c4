import { isListOfTools } from './tool-texts.ts';

/** A list of tools that was read: the bytes between its brackets, and what they become. */
export interface KnownList {
  readonly bytes: Buffer;
  readonly told: Buffer;
  /** Names of its tools that have an output schema. */
  readonly withSchema: readonly string[];
}

/** Most lists that are kept, and the most bytes of one. A server has one list, or a few pages of it. */
const MOST_LISTS = 8;
const MOST_BYTES = 4 * 1024 * 1024;
/** Shorter ones are read as quickly as they are found. */
const LEAST_BYTES = 64;
/** Longest text before a list, in bytes: what stands there are a few members of a message. */
const MOST_BEFORE = 4096;

/**
 * Lists of tools as they came, byte for byte: the same list goes to every client, in messages that differ in their ids. One that
 * is found again need not be read again: behind the same beginning, the same bytes are the same tools.
 */
export class KnownLists {
  /** The last one that was found comes first. */
  readonly #lists: KnownList[] = [];

  keep(list: KnownList): void {
    if (list.bytes.length < LEAST_BYTES || list.bytes.length + list.told.length > MOST_BYTES) return;
    this.#lists.unshift(list);
    if (this.#lists.length > MOST_LISTS) this.#lists.pop();
  }

  /** The body with its list told, and that list; `undefined` where none of them stands in it as the list of an answer. */
  tell(body: Buffer, isStream: boolean): { readonly body: Buffer; readonly list: KnownList } | undefined {
    for (const [index, list] of this.#lists.entries()) {
      const at = body.indexOf(list.bytes);
      if (at === -1) continue;
      const end = at + list.bytes.length;
      if (!isWhole(body, { at, end }, isStream)) return undefined;
      if (index > 0) this.#lists.unshift(...this.#lists.splice(index, 1));
      return { body: Buffer.concat([body.subarray(0, at), list.told, body.subarray(end)]), list };
    }
    return undefined;
  }
}

const LINE_FEED = 0x0a;
const FIELD = 'data:';

/** Whether bytes are all that stands in the list of tools of a message: of the body, or of one line of a stream. */
function isWhole(body: Buffer, { at, end }: { readonly at: number; readonly end: number }, isStream: boolean): boolean {
  const from = isStream ? body.lastIndexOf(LINE_FEED, at) + 1 : 0;
  const newline = isStream ? body.indexOf(LINE_FEED, end) : body.length;
  if (at - from > MOST_BEFORE || newline === -1) return false;
  const before = body.toString('latin1', from, at);
  if (isStream && !before.startsWith(FIELD)) return false;
  return isListOfTools(isStream ? before.slice(FIELD.length) : before, body.toString('latin1', end, newline));
}
