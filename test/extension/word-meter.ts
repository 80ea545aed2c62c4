import type { Amount } from '../../src/domain/amount.ts';
import type { AnswerEnd } from '../../src/domain/answer-end.ts';
import type { AnswerReaders, Charge, StreamReading } from '../../src/domain/answer-reader.ts';

/** Atomic units for each word of an answer. */
export const PER_WORD = 100n;

const LAST_LINE = 'the end';

/**
 * A made-up way to charge: by the word, counted in the answer. An answer that begins with `sorry` costs nothing. Streams
 * go out line by line, but for the line `the end`, before which the receipt is put. Routes `/words/*` are charged so.
 */
export function wordMeter(maxBytes = 1000): AnswerReaders {
  return {
    readerOf: ({ path }) =>
      path.startsWith('/words/')
        ? {
            begin: ({ rawHeaders }) =>
              rawHeaders.includes('text/event-stream')
                ? new WordStream()
                : {
                    kind: 'whole',
                    maxBytes,
                    charge: chargeText,
                    larger: path === '/words/long' ? new WordStream() : undefined,
                  },
          }
        : undefined,
  };
}

function chargeText(body: Buffer): Charge {
  const text = body.toString();
  if (text.startsWith('sorry')) return { kind: 'release', reason: 'the API was sorry' };
  const charge = { kind: 'charge', amount: costOf(text) } as const;
  if (!text.startsWith('{receipt}')) return charge;
  return { ...charge, finish: (told) => Buffer.from(text.replace('{receipt}', told?.fields[0]?.[1] ?? 'none')) };
}

function costOf(text: string): Amount {
  return (BigInt(text.split(/\s+/).filter((word) => word !== '').length) * PER_WORD) as Amount;
}

class WordStream implements StreamReading {
  readonly kind = 'stream';
  readonly adds = true;
  #seen = '';
  #held = '';
  /** What comes behind the last line. */
  readonly #tail: Buffer[] = [];

  pass(chunk: Buffer): readonly Uint8Array[] {
    if (this.#held.startsWith(LAST_LINE)) {
      this.#tail.push(chunk);
      return [];
    }
    this.#held += chunk.toString('latin1');
    const at = this.#held.indexOf(LAST_LINE);
    const until = at === -1 ? this.#held.lastIndexOf('\n') + 1 : at;
    const out = this.#held.slice(0, until);
    this.#held = this.#held.slice(until);
    this.#seen += out;
    return out === '' ? [] : [Buffer.from(out, 'latin1')];
  }

  end(how: AnswerEnd): Charge {
    if (how === 'upstream_broke') return { kind: 'release', reason: 'the API broke off' };
    return {
      kind: 'charge',
      amount: costOf(this.#seen),
      finish: (told) => {
        const front = `: ${told?.receipt?.kind} ${amountOf(told?.receipt)}\n${this.#held}`;
        return Buffer.concat([Buffer.from(front, 'latin1'), ...this.#tail]);
      },
    };
  }
}

function amountOf(receipt: { readonly kind: string; readonly amount?: Amount } | undefined): string {
  return String(receipt?.amount);
}
