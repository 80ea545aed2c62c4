import { type Amount, clampAmount, NOTHING } from '../domain/amount.ts';
import type {
  AnswerEnd,
  AnswerHead,
  AnswerReader,
  AnswerReaders,
  AnswerReading,
  Charge,
  ChargeTold,
  PaidCall,
  RequestChange,
  StreamReading,
} from '../domain/answer-reader.ts';
import type { Metered, Metering } from '../domain/metered-price.ts';
import { priceInUnits } from '../domain/price.ts';
import type { Figures } from '../domain/rate.ts';
import type { AnswerFacts, AnswerMeter } from './answer-meter.ts';
import { type ChargeBounds, computeCharge, statedCharge } from './charge.ts';
import { bodyForm } from './media.ts';
import { openAnswerMeter } from './open-answer-meter.ts';
import { askForUsage } from './request-change.ts';

/** Longest answer that is read whole before it is charged, in bytes. A longer one goes out on credit as a stream does. */
const MOST_WHOLE_BYTES = 4 * 1024 * 1024;

/**
 * Charges calls by what their answers say was used. An answer that comes whole is charged before any of it goes out; a
 * stream goes out event by event, and its last one when the charge is in the ledger.
 *
 * @param clock Unix milliseconds
 */
export function meteredAnswers(clock: () => number = Date.now): AnswerReaders {
  return {
    readerOf(call: PaidCall): AnswerReader | undefined {
      const { metering } = call.price;
      // A payment of an exact amount was quoted before the price became a metered one: it costs what it says.
      if (metering === undefined || call.offer.scheme !== 'upto') return undefined;
      return new MeteredReader(call, metering, clock);
    },
  };
}

class MeteredReader implements AnswerReader {
  readonly request: RequestChange | undefined;
  readonly #call: PaidCall;
  readonly #metering: Metering;
  readonly #clock: () => number;
  #requestBytes = 0;

  constructor(call: PaidCall, metering: Metering, clock: () => number) {
    this.#call = call;
    this.#metering = metering;
    this.#clock = clock;
    const { kind } = metering.meter;
    const rewrite = (body: Buffer): Buffer | undefined => {
      this.#requestBytes = body.length;
      return kind === 'family' ? askForUsage(call.path, body) : undefined;
    };
    this.request = kind === 'family' || kind === 'json' ? { plain: true, rewrite } : undefined;
  }

  begin(head: AnswerHead): AnswerReading {
    const facts = factsOf(head, this.#call.path);
    const meter = openAnswerMeter(this.#metering.meter, facts, this.#clock);
    const adds = bodyForm(facts) === 'events';
    const reading = new MeteredReading(meter, {
      call: this.#call,
      metering: this.#metering,
      requestBytes: this.#requestBytes,
      adds,
    });
    if (meter.streams) return reading;
    return { kind: 'whole', maxBytes: MOST_WHOLE_BYTES, charge: (body) => reading.whole(body), larger: reading };
  }
}

interface ReadingTerms {
  readonly call: PaidCall;
  readonly metering: Metering;
  /** Length of the request's body, where that was read. */
  readonly requestBytes: number;
  readonly adds: boolean;
}

/** Reads one answer. */
class MeteredReading implements StreamReading {
  readonly kind = 'stream';
  readonly adds: boolean;
  readonly #meter: AnswerMeter;
  readonly #terms: ReadingTerms;

  constructor(meter: AnswerMeter, terms: ReadingTerms) {
    this.adds = terms.adds;
    this.#meter = meter;
    this.#terms = terms;
  }

  /** An answer of success that says that the call failed costs nothing, and gives its payment back. */
  whole(body: Buffer): Charge {
    this.#meter.push(body);
    this.#meter.finish();
    const metered = this.#meter.metered();
    if (metered.kind === 'failed') return { kind: 'release', reason: 'the answer says that the call failed' };
    return { kind: 'charge', amount: this.#amountOf(metered) };
  }

  pass(chunk: Buffer): readonly Uint8Array[] {
    return this.#meter.push(chunk);
  }

  end(how: AnswerEnd): Charge {
    // A call that broke off costs nothing, and uses its payment up: something of it went out.
    if (how === 'upstream_broke') return { kind: 'charge', amount: NOTHING };
    if (how === 'client_gone' || how === 'out_of_time') return { kind: 'charge', amount: this.#partial() };
    const held = this.#meter.finish();
    return {
      kind: 'charge',
      amount: this.#amountOf(this.#meter.metered()),
      finish: (told) => Buffer.concat([this.#receipt(told), ...held]),
    };
  }

  /** Of an answer whose buyer left, or that took longer than its payment lasts: what was told by then, or what can be seen to have been made, whichever is more. */
  #partial(): Amount {
    const metered = this.#meter.metered();
    if (metered.kind === 'failed') return NOTHING;
    if (metered.kind === 'stated') return this.#amountOf(metered);
    const guessed = this.#meter.estimate(this.#terms.requestBytes);
    const figures = metered.kind === 'used' ? withLeast(metered.figures, guessed) : guessed;
    return computeCharge(figures, this.#terms.metering.rates, this.#bounds());
  }

  #amountOf(metered: Metered): Amount {
    const { rates, missing } = this.#terms.metering;
    const bounds = this.#bounds();
    switch (metered.kind) {
      case 'used':
        return computeCharge(metered.figures, rates, bounds);
      case 'stated':
        return statedCharge(metered.text, bounds) ?? missingCharge(missing, bounds);
      case 'missing':
        return missingCharge(missing, bounds);
      case 'failed':
        return NOTHING;
    }
  }

  #bounds(): ChargeBounds {
    const { call, metering } = this.#terms;
    const { asset, amount: max } = call.offer;
    const least = metering.min === '0' ? undefined : priceInUnits(metering.min, asset.decimals);
    return { min: least?.ok === true ? least.value : NOTHING, max, decimals: asset.decimals };
  }

  /** The receipt as a comment of an event stream, which no client takes for an event. */
  #receipt(told: ChargeTold | undefined): Buffer {
    const receipt = told?.fields[0]?.[1];
    return receipt === undefined || !this.adds || !this.#meter.endsClean
      ? Buffer.alloc(0)
      : Buffer.from(`: x402 ${receipt}\n\n`);
  }
}

function missingCharge(rule: Metering['missing'], { min, max }: ChargeBounds): Amount {
  switch (rule) {
    case 'min':
      return clampAmount(min, NOTHING, max);
    case 'max':
      return max;
    case 'nothing':
      return NOTHING;
  }
}

/** What was told, with no less output than was seen: a stream tells of its output at its end. */
function withLeast(told: Figures, guessed: Figures): Figures {
  const seen = guessed.get('output');
  const output = told.get('output');
  if (seen === undefined || output === undefined || output.scale !== 0 || output.digits >= seen.digits) return told;
  return new Map([...told, ['output', seen]]);
}

function factsOf({ rawHeaders }: AnswerHead, path: string): AnswerFacts {
  const header = (name: string): string | undefined => {
    const values: string[] = [];
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      if (rawHeaders[index]?.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? '');
    }
    return values.length === 0 ? undefined : values.join(', ');
  };
  return { path, contentType: header('content-type'), contentEncoding: header('content-encoding'), header };
}
