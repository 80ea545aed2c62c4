import type { Lengths } from './facts.ts';
import type { Framer, OnEvent } from './framer.ts';
import { JsonScanner } from './json-scanner.ts';
import { MarkSkip } from './mark-skip.ts';
import type { Wanted } from './wanted.ts';

const LINE_FEED = 0x0a;

/** A body of lines, each of which is a JSON document (`application/x-ndjson`). */
export class LineFramer implements Framer {
  readonly #scanner: JsonScanner;
  readonly #mark = new MarkSkip();
  #isEmpty = true;

  constructor(wanted: Wanted) {
    this.#scanner = new JsonScanner(wanted);
  }

  get open(): Lengths {
    return this.#scanner.lengths;
  }

  push(bytes: Uint8Array, onEvent: OnEvent): void {
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, from)) {
      this.#add(bytes.subarray(from, end));
      from = end + 1;
      this.#endLine(onEvent, from);
    }
    this.#add(bytes.subarray(from));
  }

  finish(onEvent: OnEvent): void {
    if (!this.#isEmpty) this.#endLine(onEvent, 0);
  }

  #add(part: Uint8Array): void {
    const bytes = this.#mark.rest(part);
    this.#scanner.push(bytes);
    this.#isEmpty &&= bytes.every(isSpace);
  }

  #endLine(onEvent: OnEvent, end: number): void {
    const scanned = this.#scanner.finish();
    onEvent(this.#isEmpty ? { kind: 'nothing' } : { kind: 'document', scanned }, end);
    this.#isEmpty = true;
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}
