/** One event of an event stream, as it came and as it is read. */
export interface StreamEvent {
  /** The bytes of it, with the empty line that ends it. */
  readonly raw: string;
  /** Its data, lines joined; `undefined` for comments and events without data. */
  readonly data: string | undefined;
}

/**
 * Splits an event stream into events (WHATWG HTML §9.2.6). What is after the last empty line is `rest`: an event that has not
 * ended, which readers drop.
 */
export function splitEvents(text: string): { readonly events: readonly StreamEvent[]; readonly rest: string } {
  const events: StreamEvent[] = [];
  const end = /(?:\r\n|\r(?!\n)|\n)(?:\r\n|\r(?!\n)|\n)/g;
  let from = 0;
  for (let found = end.exec(text); found !== null; found = end.exec(text)) {
    const raw = text.slice(from, end.lastIndex);
    events.push({ raw, data: dataOf(raw) });
    from = end.lastIndex;
  }
  return { events, rest: text.slice(from) };
}

/** The event with other data in its place: id, name and retry stay. */
export function withData(event: StreamEvent, data: string): string {
  const others = event.raw.split(LINE_END).filter((line) => line !== '' && fieldOf(line) !== 'data');
  return `${[...others, `data: ${data}`].join('\n')}\n\n`;
}

const LINE_END = /\r\n|\r|\n/;

function dataOf(raw: string): string | undefined {
  const lines = raw
    .replace(/^\ufeff/, '')
    .split(LINE_END)
    .filter((line) => fieldOf(line) === 'data')
    .map((line) => line.slice(4).replace(/^:/, '').replace(/^ /, ''));
  return lines.length === 0 ? undefined : lines.join('\n');
}

function fieldOf(line: string): string {
  const at = line.indexOf(':');
  return at === -1 ? line : line.slice(0, at);
}
