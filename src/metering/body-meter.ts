import { wholeNumber } from '../domain/decimal.ts';
import type { Metered } from '../domain/metered-price.ts';
import type { Figures } from '../domain/rate.ts';
import type { AnswerFacts, AnswerMeter } from './answer-meter.ts';
import type { Dialect } from './dialect/dialect.ts';
import { type BodyForm, bodyForm, isCompressed, isStreamed } from './media.ts';
import type { Lengths } from './read/facts.ts';
import type { BodyEvent, Framer } from './read/framer.ts';
import { JsonFramer } from './read/json-framer.ts';
import { LineFramer } from './read/line-framer.ts';
import { SseFramer } from './read/sse-framer.ts';
import { StreamHold } from './stream-hold.ts';
import { UsageCollector, wantedBy } from './usage-collector.ts';

/** Bytes of text that count as one token in a guess. */
const BYTES_A_TOKEN = 4;

const NOTHING_SEEN: Lengths = new Map();

/** Measures by the content of the body: JSON, an array of it, lines of it, or an event stream. */
export class BodyMeter implements AnswerMeter {
  readonly streams: boolean;
  readonly knows = false;
  readonly #dialect: Dialect;
  readonly #collector: UsageCollector;
  readonly #framer: Framer | undefined;
  readonly #hold = new StreamHold();
  readonly #unread: 'compressed' | 'media_type' | undefined;
  readonly #hidesUsage: boolean;

  constructor(dialect: Dialect, answer: AnswerFacts, hidesUsage: boolean) {
    const form = bodyForm(answer);
    this.#hidesUsage = hidesUsage && form === 'events';
    this.streams = isStreamed(form);
    this.#dialect = dialect;
    this.#collector = new UsageCollector(dialect);
    this.#framer = isCompressed(answer) ? undefined : framerFor(form, dialect);
    if (this.#framer === undefined) this.#unread = isCompressed(answer) ? 'compressed' : 'media_type';
  }

  get endsClean(): boolean {
    return this.#hold.endsClean;
  }

  push(bytes: Uint8Array): readonly Uint8Array[] {
    if (this.#framer === undefined) return this.streams ? [bytes] : this.#keep(bytes);
    let from = 0;
    this.#framer.push(bytes, (event, end) => {
      this.#hold.add(bytes.subarray(from, end));
      from = Math.max(from, end);
      this.#take(event);
    });
    this.#hold.add(bytes.subarray(from));
    return this.#hold.takeReleased();
  }

  finish(): readonly Uint8Array[] {
    this.#framer?.finish((event) => this.#take(event));
    return [...this.#hold.takeReleased(), ...this.#hold.takeRest()];
  }

  metered(): Metered {
    if (this.#unread !== undefined) return { kind: 'missing', reason: this.#unread, model: undefined };
    return this.#collector.metered();
  }

  estimate(requestBytes: number): Figures {
    const guessed: Figures = new Map([
      ['input', tokensOf(requestBytes)],
      ['output', tokensOf(this.#collector.outputBytes(this.#seenOfOpen()))],
    ]);
    return this.#dialect.dimensions.includes('input') ? guessed : new Map();
  }

  /** An event that has begun is held back until it is too long for that. */
  #seenOfOpen(): Lengths {
    return this.#hold.endsClean || this.#framer === undefined ? NOTHING_SEEN : this.#framer.open;
  }

  /** Holds a body that is not read: it waits for its charge like any other. */
  #keep(bytes: Uint8Array): readonly Uint8Array[] {
    this.#hold.add(bytes);
    return this.#hold.takeReleased();
  }

  #take(event: BodyEvent): void {
    const meaning = this.#collector.add(event);
    if (this.#hidesUsage && this.#isUsageAlone(event)) this.#hold.dropEvent();
    else this.#hold.endEvent(meaning === 'last' || meaning === 'failed', meaning !== 'nothing');
  }

  #isUsageAlone(event: BodyEvent): boolean {
    return (
      event.kind === 'document' &&
      event.scanned.kind === 'read' &&
      this.#dialect.isUsageAlone?.(event.scanned.facts) === true
    );
  }
}

function framerFor(form: BodyForm, dialect: Dialect): Framer | undefined {
  const wanted = wantedBy(dialect);
  switch (form) {
    case 'events':
      return new SseFramer(wanted);
    case 'lines':
      return new LineFramer(wanted);
    case 'document':
    case 'list':
      return new JsonFramer(wanted);
    case 'other':
      return undefined;
  }
}

function tokensOf(bytes: number): ReturnType<typeof wholeNumber> {
  return wholeNumber(BigInt(Math.ceil(bytes / BYTES_A_TOKEN)));
}
