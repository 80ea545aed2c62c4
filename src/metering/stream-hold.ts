/** Most bytes of an event that wait for its end, and of last events that wait for the charge. */
const MAX_HELD = 1_048_576;

/**
 * Holds the end of a stream back: everything is sent event by event, and the last event waits until it is released. An
 * event that is longer than {@link MAX_HELD} is sent as it comes.
 */
export class StreamHold {
  /** The event that has begun and is not over. */
  #open: Uint8Array[] = [];
  #openBytes = 0;
  /** The events that count as the end of the stream. */
  #last: Uint8Array[] = [];
  #lastBytes = 0;
  #released: Uint8Array[] = [];
  /** Whether a part of the event that has begun went on already. */
  #isCut = false;

  /** Whether the held bytes begin where an event begins. */
  get endsClean(): boolean {
    return !this.#isCut;
  }

  /** Takes a part of the event that has begun. */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#open.push(bytes);
    this.#openBytes += bytes.length;
    if (this.#openBytes <= MAX_HELD) return;
    this.#release(this.#takeLast());
    this.#release(this.#takeOpen());
    this.#isCut = true;
  }

  /** The event that has begun is over. */
  endEvent(isLast: boolean, isContent: boolean): void {
    const event = this.#takeOpen();
    this.#isCut = false;
    const waits = this.#last.length > 0;
    if (!isLast && !(waits && !isContent)) {
      this.#release(this.#takeLast());
      this.#release(event);
      return;
    }
    if (isLast) this.#release(this.#takeLast());
    for (const part of event) {
      this.#last.push(part);
      this.#lastBytes += part.length;
    }
    if (this.#lastBytes > MAX_HELD) this.#release(this.#takeLast());
  }

  /** The event that has begun is over and does not go on, unless a part of it did already. */
  dropEvent(): void {
    const event = this.#takeOpen();
    if (this.#isCut) this.#release(event);
    this.#isCut = false;
  }

  /** Takes the bytes that may go on now. */
  takeReleased(): readonly Uint8Array[] {
    return this.#released.splice(0);
  }

  /** The end of the stream: what was held back. */
  takeRest(): readonly Uint8Array[] {
    return [...this.#takeLast(), ...this.#takeOpen()];
  }

  #release(parts: readonly Uint8Array[]): void {
    this.#released.push(...parts);
  }

  #takeOpen(): Uint8Array[] {
    this.#openBytes = 0;
    return this.#open.splice(0);
  }

  #takeLast(): Uint8Array[] {
    this.#lastBytes = 0;
    return this.#last.splice(0);
  }
}
