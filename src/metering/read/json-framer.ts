import type { Lengths } from './facts.ts';
import type { BodyEvent, Framer, OnEvent } from './framer.ts';
import { JsonScanner } from './json-scanner.ts';
import { MarkSkip } from './mark-skip.ts';
import type { Wanted } from './wanted.ts';

/** A body that is one JSON document, or an array whose elements are documents. */
export class JsonFramer implements Framer {
  readonly #scanner: JsonScanner;
  readonly #mark = new MarkSkip();
  readonly #elements: BodyEvent[] = [];
  #isList = false;

  constructor(wanted: Wanted) {
    this.#scanner = new JsonScanner(wanted, (scanned) => {
      this.#isList = true;
      this.#elements.push({ kind: 'document', scanned });
    });
  }

  get open(): Lengths {
    return this.#scanner.lengths;
  }

  push(bytes: Uint8Array, onEvent: OnEvent): void {
    this.#scanner.push(this.#mark.rest(bytes));
    for (const element of this.#elements.splice(0)) onEvent(element, bytes.length);
  }

  finish(onEvent: OnEvent): void {
    const scanned = this.#scanner.finish();
    for (const element of this.#elements.splice(0)) onEvent(element, 0);
    if (!this.#isList) onEvent({ kind: 'document', scanned }, 0);
  }
}
