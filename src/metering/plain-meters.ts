import { parseDecimal, wholeNumber } from '../domain/decimal.ts';
import type { Metered } from '../domain/metered-price.ts';
import type { Figures } from '../domain/rate.ts';
import type { AnswerFacts, AnswerMeter } from './answer-meter.ts';
import { bodyForm, isStreamed } from './media.ts';

/** The header in which official servers state the charge. */
const SETTLEMENT_OVERRIDES = 'settlement-overrides';
/** The header in which Cloudflare's gateways receive the charge. */
const PAYMENT_SETTLEMENT = 'payment-settlement';

const NOTHING: readonly Uint8Array[] = [];

/** A meter that knows all from the answer's head. */
function headMeter(metered: Metered): AnswerMeter {
  return {
    streams: false,
    knows: true,
    endsClean: false,
    push: (bytes) => [bytes],
    finish: () => NOTHING,
    metered: () => metered,
    estimate: () => (metered.kind === 'used' ? metered.figures : new Map()),
  };
}

/** Takes a header of the answer for the number of units. One that came twice is no number. */
export function headerMeter(answer: AnswerFacts, name: string): AnswerMeter {
  const text = answer.header(name)?.trim();
  if (text === undefined) return headMeter({ kind: 'missing', reason: 'no_usage', model: undefined });
  const unit = parseDecimal(text);
  if (unit === undefined) return headMeter({ kind: 'missing', reason: 'bad_figure', model: undefined });
  return headMeter({ kind: 'used', figures: new Map([['unit', unit]]), model: undefined });
}

/** Takes the API's own statement of the charge. Two headers are valid only when they agree. */
export function statedMeter(answer: AnswerFacts): AnswerMeter {
  const overrides = answer.header(SETTLEMENT_OVERRIDES);
  const settlement = answer.header(PAYMENT_SETTLEMENT);
  const stated = overrides ?? settlement;
  if (stated === undefined) return headMeter({ kind: 'missing', reason: 'no_usage', model: undefined });
  const agree = overrides === undefined || settlement === undefined || overrides === settlement;
  return headMeter(
    agree ? { kind: 'stated', text: stated } : { kind: 'missing', reason: 'bad_figure', model: undefined },
  );
}

/** Counts the bytes of the body as they are sent, compressed where the API compressed them. */
export class LengthMeter implements AnswerMeter {
  readonly streams: boolean;
  readonly knows = false;
  readonly endsClean = false;
  #bytes = 0;

  constructor(answer: AnswerFacts) {
    this.streams = isStreamed(bodyForm(answer));
  }

  push(bytes: Uint8Array): readonly Uint8Array[] {
    this.#bytes += bytes.length;
    return [bytes];
  }

  finish(): readonly Uint8Array[] {
    return NOTHING;
  }

  metered(): Metered {
    return { kind: 'used', figures: this.estimate(), model: undefined };
  }

  estimate(): Figures {
    return new Map([['bytes', wholeNumber(BigInt(this.#bytes))]]);
  }
}

/** Counts the time from the answer's head to its end. */
export class ElapsedMeter implements AnswerMeter {
  readonly streams: boolean;
  readonly knows = false;
  readonly endsClean = false;
  readonly #clock: () => number;
  readonly #from: number;
  #until: number | undefined;

  /** @param clock Unix milliseconds */
  constructor(answer: AnswerFacts, clock: () => number) {
    this.streams = isStreamed(bodyForm(answer));
    this.#clock = clock;
    this.#from = clock();
  }

  push(bytes: Uint8Array): readonly Uint8Array[] {
    return [bytes];
  }

  finish(): readonly Uint8Array[] {
    this.#until ??= this.#clock();
    return NOTHING;
  }

  metered(): Metered {
    return { kind: 'used', figures: this.estimate(), model: undefined };
  }

  estimate(): Figures {
    // A clock that was set back must not make a negative charge.
    const milliseconds = Math.max(0, Math.round((this.#until ?? this.#clock()) - this.#from));
    return new Map([['seconds', { digits: BigInt(milliseconds), scale: 3 }]]);
  }
}
