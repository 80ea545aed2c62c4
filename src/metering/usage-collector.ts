import { parseDecimal } from '../domain/decimal.ts';
import type { Metered, MissingReason } from '../domain/metered-price.ts';
import type { Dialect, EventMeaning } from './dialect/dialect.ts';
import { type Facts, figureText, type Lengths, textAt } from './read/facts.ts';
import type { BodyEvent } from './read/framer.ts';
import { compileWanted, type Wanted } from './read/wanted.ts';

/** Longest name of a model that is kept. */
const MAX_MODEL = 200;

/**
 * Bytes of an image or a sound in base64 that count as one byte of text. An image of 1024 by 1024 is about 4 000 tokens
 * and 2 MB.
 */
const MEDIA_BYTES = 100;

const compiled = new WeakMap<Dialect, Wanted>();

/** All places of a document that a dialect looks at. */
export function wantedBy(dialect: Dialect): Wanted {
  const known = compiled.get(dialect);
  if (known !== undefined) return known;
  const { fields, model, output, marks } = dialect;
  const wanted = compileWanted([...Object.keys(fields), ...model, ...output.flat(), ...marks]);
  compiled.set(dialect, wanted);
  return wanted;
}

/**
 * Combines the statements of one answer's events. The last value of each figure counts, never a sum, because every
 * dialect states all usage so far.
 */
export class UsageCollector {
  readonly #dialect: Dialect;
  readonly #fields = new Map<string, string>();
  #model: string | undefined;
  #outputBytes = 0;
  #failed = false;
  #unread: MissingReason | undefined;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /**
   * Bytes of what the model made, as it is written in JSON; of media a hundredth.
   *
   * @param open lengths of an event that is not over, if some of it went out
   */
  outputBytes(open: Lengths): number {
    return this.#outputBytes + this.#seenIn(open);
  }

  /** Takes the next event, and returns its meaning. */
  add(event: BodyEvent): EventMeaning | 'nothing' {
    if (event.kind === 'nothing') return 'nothing';
    if (event.kind === 'done') return 'last';
    const { scanned } = event;
    this.#outputBytes += this.#seenIn(scanned.lengths);
    if (scanned.kind === 'unreadable') {
      // Later figures must not replace figures that could be read in two ways.
      this.#unread =
        scanned.why === 'duplicate_key' || this.#unread === 'duplicate_key' ? 'duplicate_key' : 'unreadable';
      return 'content';
    }
    this.#read(scanned.facts);
    const meaning = this.#dialect.meaning(scanned.facts);
    if (meaning === 'failed') this.#failed = true;
    return meaning;
  }

  /** What is known by now. */
  metered(): Metered {
    if (this.#failed) return { kind: 'failed' };
    if (this.#unread === 'duplicate_key') return this.#missing('duplicate_key');
    const figures = this.#dialect.figures(this.#fields, this.#model);
    if (figures !== undefined) return { kind: 'used', figures, model: this.#model };
    if (this.#fields.size > 0) return this.#missing(this.#hasAnyFigure() ? 'bad_figure' : 'no_usage');
    return this.#missing(this.#unread ?? 'no_usage');
  }

  #missing(reason: MissingReason): Metered {
    return { kind: 'missing', reason, model: this.#model };
  }

  #hasAnyFigure(): boolean {
    return [...this.#fields.keys()].some((field) => field !== 'object');
  }

  #read(facts: Facts): void {
    const { fields, model } = this.#dialect;
    for (const [pointer, fact] of facts) {
      const field = fields[pointer];
      if (field !== undefined) this.#note(field, figureText(fact));
    }
    for (const pointer of model) this.#model = textAt(facts, pointer)?.slice(0, MAX_MODEL) ?? this.#model;
  }

  #note(field: string, text: string): void {
    const saysNothing = this.#dialect.onlyRises && this.#fields.has(field) && parseDecimal(text)?.digits === 0n;
    if (!saysNothing) this.#fields.set(field, text);
  }

  #seenIn(lengths: Lengths): number {
    const { output, media } = this.#dialect;
    const seen = (pointer: string): number => {
      const bytes = lengths.get(pointer) ?? 0;
      return media?.has(pointer) ? bytes / MEDIA_BYTES : bytes;
    };
    return output.reduce((sum, names) => sum + Math.max(...names.map(seen)), 0);
  }
}
