/** One event of an event stream, as it came and as it is read. */
export interface StreamEvent {
  /** The bytes of it, with the empty line that ends it. */
  readonly raw: string;
  /** Its data, lines joined; `undefined` for comments and events without data. */
  readonly data: string | undefined;
  /**
   * Whether all its lines are of fields that the standard names. Others are nothing to a strict reader, and may be data
   * to a lax one: what must not go out unread is not hidden in them.
   */
  readonly isPlain: boolean;
}

/** Length of the longest end of an event, `\r\n\r\n`, without its last character. */
const END_BUT_ONE = 3;

/**
 * Splits an event stream into events (WHATWG HTML §9.2.6) as it arrives, reading each character once. Text after the
 * last empty line is an unfinished event, which readers drop.
 */
export class EventSplitter {
  /** The parts of the event that has not ended. */
  #parts: string[] = [];
  /** Its last characters: the end of the event may begin in them. */
  #tail = '';
  #length = 0;

  /** Characters of the event that has not ended. */
  get length(): number {
    return this.#length;
  }

  /** The text of the event that has not ended. */
  get rest(): string {
    return this.#parts.join('');
  }

  /** Takes the next characters; returns the events that they end. */
  push(text: string): readonly StreamEvent[] {
    const events: StreamEvent[] = [];
    const window = this.#tail + text;
    const end = /(?:\r\n|\r(?!\n)|\n)(?:\r\n|\r(?!\n)|\n)/g;
    let from = this.#tail.length;
    let begin = 0;
    for (let found = end.exec(window); found !== null; found = end.exec(window)) {
      this.#parts.push(window.slice(from, end.lastIndex));
      const raw = this.#parts.join('');
      events.push(eventOf(raw));
      this.#parts = [];
      this.#length = 0;
      from = end.lastIndex;
      begin = from;
    }
    this.#parts.push(window.slice(from));
    this.#length += window.length - from;
    this.#tail = window.slice(Math.max(begin, window.length - END_BUT_ONE));
    return events;
  }
}

/** Splits a whole event stream. */
export function splitEvents(text: string): { readonly events: readonly StreamEvent[]; readonly rest: string } {
  const splitter = new EventSplitter();
  const events = splitter.push(text);
  return { events, rest: splitter.rest };
}

/** The event with other data in its place: id, name and retry stay. */
export function withData(event: StreamEvent, data: string): string {
  const others = event.raw.split(LINE_END).filter((line) => {
    const field = fieldOf(line);
    return line !== '' && field !== 'data' && FIELDS.has(field);
  });
  return `${[...others, `data: ${data}`].join('\n')}\n\n`;
}

const LINE_END = /\r\n|\r|\n/;

/** The fields of the standard. A comment, and an empty line, have an empty name. */
const FIELDS: ReadonlySet<string> = new Set(['', 'data', 'event', 'id', 'retry']);

function eventOf(raw: string): StreamEvent {
  const lines = raw.split(LINE_END);
  const data = lines.filter((line) => fieldOf(line) === 'data').map(dataFrom);
  return {
    raw,
    data: data.length === 0 ? undefined : data.join('\n'),
    isPlain: lines.every((line) => FIELDS.has(fieldOf(line))),
  };
}

/**
 * A byte order mark, in text that was decoded as UTF-8, and in bytes as Latin-1. The standard drops it at the start of
 * a stream; readers that decode piece by piece drop it at the start of each piece, which may be any.
 */
const MARKS = /\ufeff|\u00ef\u00bb\u00bf/g;

function fieldOf(line: string): string {
  const at = line.indexOf(':');
  return (at === -1 ? line : line.slice(0, at)).replace(MARKS, '');
}

function dataFrom(line: string): string {
  const at = line.indexOf(':');
  return at === -1 ? '' : line.slice(at + 1).replace(/^ /, '');
}
