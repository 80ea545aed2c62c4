import type { Lengths } from './facts.ts';
import type { Framer, OnEvent } from './framer.ts';
import { JsonScanner } from './json-scanner.ts';
import type { Wanted } from './wanted.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const NEW_LINE = Uint8Array.of(LINE_FEED);
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const DATA = 'data';
const DONE = '[DONE]';

/**
 * The events of a `text/event-stream`: lines end with LF, CRLF or CR, the `data` lines of an event are joined with LF,
 * and a blank line ends it. All is read from bytes: characters may be split across chunks.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class SseFramer implements Framer {
  readonly #scanner: JsonScanner;
  /** Number of bytes read of the byte order mark; its full length once other bytes came. */
  #marked = 0;
  #state: 'name' | 'after-colon' | 'value' = 'name';
  /** The name of the field so far; a name longer than the wanted ones is cut. */
  #name = '';
  #isData = false;
  #lineIsBlank = true;
  #afterReturn = false;
  #eventIsEmpty = true;
  #hasData = false;
  /** The first characters of the event's data: enough to know `[DONE]`. */
  #start = '';

  constructor(wanted: Wanted) {
    this.#scanner = new JsonScanner(wanted);
  }

  get open(): Lengths {
    return this.#scanner.lengths;
  }

  push(bytes: Uint8Array, onEvent: OnEvent): void {
    let at = 0;
    while (at < bytes.length) {
      const byte = bytes[at] ?? 0;
      if (byte === LINE_FEED && this.#afterReturn) {
        // The second half of a line end belongs to the event that the first half ended.
        this.#afterReturn = false;
        at += 1;
        if (this.#eventIsEmpty) onEvent({ kind: 'nothing' }, at);
        continue;
      }
      this.#afterReturn = byte === CARRIAGE_RETURN;
      if (byte === LINE_FEED || byte === CARRIAGE_RETURN) {
        at += 1;
        if (this.#endLine()) onEvent(this.#endEvent(), at);
      } else {
        at = this.#readLine(bytes, at);
      }
    }
  }

  finish(onEvent: OnEvent): void {
    // Browsers drop an event that no blank line ends, but the usage that it states counts.
    if (!this.#lineIsBlank) this.#endLine();
    if (this.#hasData) onEvent(this.#endEvent(), 0);
  }

  /** Reads on in a line, and returns the position of its end or of the end of the bytes. */
  #readLine(bytes: Uint8Array, at: number): number {
    const byte = bytes[at] ?? 0;
    if (byte === BYTE_ORDER_MARK[this.#marked]) {
      this.#marked += 1;
      return at + 1;
    }
    this.#marked = BYTE_ORDER_MARK.length;
    this.#lineIsBlank = false;
    this.#eventIsEmpty = false;
    if (this.#state === 'name') {
      if (byte === COLON) this.#endName('after-colon');
      else if (this.#name.length <= DATA.length) this.#name += String.fromCharCode(byte);
      return at + 1;
    }
    const skipsSpace = this.#state === 'after-colon' && byte === SPACE;
    this.#state = 'value';
    return skipsSpace ? at + 1 : this.#readValue(bytes, at);
  }

  #readValue(bytes: Uint8Array, at: number): number {
    const end = lineEnd(bytes, at);
    if (this.#isData) this.#addData(bytes.subarray(at, end));
    return end;
  }

  #endName(next: 'after-colon' | 'value'): void {
    this.#state = next;
    this.#isData = this.#name === DATA;
    if (!this.#isData) return;
    if (this.#hasData) this.#addData(NEW_LINE);
    this.#hasData = true;
  }

  #addData(bytes: Uint8Array): void {
    if (this.#start.length <= DONE.length) {
      this.#start += Buffer.from(bytes.subarray(0, DONE.length + 1)).toString('latin1');
    }
    this.#scanner.push(bytes);
  }

  /** Whether the line was blank, and with it the event is over. */
  #endLine(): boolean {
    if (!this.#lineIsBlank && this.#state === 'name') this.#endName('value');
    const blank = this.#lineIsBlank;
    this.#state = 'name';
    this.#name = '';
    this.#isData = false;
    this.#lineIsBlank = true;
    return blank;
  }

  #endEvent(): Parameters<OnEvent>[0] {
    const hadData = this.#hasData;
    const isDone = this.#start === DONE;
    this.#hasData = false;
    this.#start = '';
    this.#eventIsEmpty = true;
    if (!hadData) return { kind: 'nothing' };
    const scanned = this.#scanner.finish();
    return isDone ? { kind: 'done' } : { kind: 'document', scanned };
  }
}

/** The end of the line, or of the bytes. */
function lineEnd(bytes: Uint8Array, at: number): number {
  for (let index = at; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === LINE_FEED || byte === CARRIAGE_RETURN) return index;
  }
  return bytes.length;
}
