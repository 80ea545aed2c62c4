import { type Amount, clampAmount, NOTHING } from '../domain/amount.ts';
import type { AnswerEnd } from '../domain/answer-end.ts';
import type {
  AnswerHead,
  AnswerReader,
  AnswerReaders,
  AnswerReading,
  Charge,
  ChargeLimit,
  ChargeTold,
  PaidCall,
  RequestChange,
  StreamReading,
} from '../domain/answer-reader.ts';
import type { Metered, Metering, MeterSpec } from '../domain/metered-price.ts';
import { statesMaximum } from '../domain/offer.ts';
import { priceInUnits } from '../domain/price.ts';
import type { Figures } from '../domain/rate.ts';
import type { RequestHead } from '../domain/request-head.ts';
import type { Usage } from '../domain/usage.ts';
import type { AnswerFacts, AnswerMeter } from './answer-meter.ts';
import { type ChargeBounds, computeCharge, statedCharge } from './charge.ts';
import { dialectNamed, dialectOfPath } from './dialect/dialects.ts';
import { bodyForm, isCompressed } from './media.ts';
import { meteredPath } from './metered-path.ts';
import { openAnswerMeter } from './open-answer-meter.ts';
import { outputCap } from './output-cap.ts';
import { refusePartialAnswer } from './partial-answer.ts';
import { changeForMeter, type WantedCap } from './request-change.ts';

/** Longest answer that is read whole before it is charged, in bytes. A longer one goes out on credit as a stream does. */
const MOST_WHOLE_BYTES = 4 * 1024 * 1024;

/**
 * Charges calls by the usage that their answers state. A whole answer is charged before any of it goes out. A stream
 * goes out event by event, and its last event goes out when the charge is in the ledger.
 *
 * @param clock Unix milliseconds
 */
export function meteredAnswers(clock: () => number = Date.now): AnswerReaders {
  return {
    readerOf(call: PaidCall): AnswerReader | undefined {
      const { metering } = call.price;
      const limit = call.limit ?? signedFor(call);
      // An `exact` payment was quoted before the price became a metered one: it pays its own amount.
      if (metering === undefined || limit === undefined) return undefined;
      return new MeteredReader({ path: meteredPath(call.path), limit, head: call.head }, metering, clock);
    },
  };
}

/** What the buyer of a call signed for. */
function signedFor({ offer }: PaidCall): ChargeLimit | undefined {
  return statesMaximum(offer) ? { amount: offer.amount, decimals: offer.asset.decimals } : undefined;
}

/** A call that is charged by what it used. */
interface MeteredCall {
  /** As {@link meteredPath} reads it. */
  readonly path: string;
  readonly head: RequestHead;
  readonly limit: ChargeLimit;
}

/** Longest text of the API's own statement that is kept, in characters. */
const MOST_STATED = 200;

type Charged = Extract<Charge, { kind: 'charge' }>;

class MeteredReader implements AnswerReader {
  readonly request: RequestChange | undefined;
  readonly #call: MeteredCall;
  readonly #metering: Metering;
  readonly #clock: () => number;
  #requestBytes = 0;
  #hidesUsage = false;

  constructor(call: MeteredCall, metering: Metering, clock: () => number) {
    this.#call = call;
    this.#metering = metering;
    this.#clock = clock;
    const { kind } = metering.meter;
    const rewrite = (body: Buffer): Buffer | undefined => {
      this.#requestBytes = body.length;
      if (kind !== 'family') return undefined;
      refusePartialAnswer(call.head);
      const wanted = { path: call.path, cap: this.#cap(body.length) };
      const changed = changeForMeter(wanted, { rawHeaders: call.head.rawHeaders, body });
      this.#hidesUsage = changed?.asksForUsage === true;
      return changed?.body;
    };
    this.request = kind === 'family' || kind === 'json' ? { plain: true, json: kind === 'json', rewrite } : undefined;
  }

  /** The limit of output tokens that is put into requests. */
  #cap(requestBytes: number): WantedCap | undefined {
    const { cap, rates, meter } = this.#metering;
    const { amount: max, decimals } = this.#call.limit;
    if (!cap || meter.kind !== 'family') return undefined;
    const named = meter.family === 'auto' ? undefined : dialectNamed(meter.family);
    return {
      limitOf: (path, model) => (named ?? dialectOfPath(path)).limit(path, model),
      tokens: (answers) => outputCap({ rates, max, decimals }, requestBytes, answers),
    };
  }

  begin(head: AnswerHead): AnswerReading {
    const facts = factsOf(head, this.#call.path);
    const meter = openAnswerMeter(this.#metering.meter, facts, this.#clock, this.#hidesUsage);
    // Text between compressed bytes would damage the stream.
    const adds = bodyForm(facts) === 'events' && !isCompressed(facts);
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
  readonly call: MeteredCall;
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

  /** A successful answer that reports a failed call costs nothing, and its payment is released. */
  whole(body: Buffer): Charge {
    this.#meter.push(body);
    this.#meter.finish();
    const metered = this.#meter.metered();
    if (metered.kind === 'failed') return { kind: 'release', reason: 'the answer says that the call failed' };
    return this.#chargeOf(metered, 'complete');
  }

  pass(chunk: Buffer): readonly Uint8Array[] {
    return this.#meter.push(chunk);
  }

  end(how: AnswerEnd): Charge {
    switch (how) {
      case 'complete': {
        const held = this.#meter.finish();
        const charge = this.#chargeOf(this.#meter.metered(), how);
        return { ...charge, finish: (told) => Buffer.concat([this.#receipt(told), ...held]) };
      }
      case 'upstream_broke':
        // A call that broke off costs nothing. Its payment is used up, because a part of the answer went out.
        return { ...this.#chargeOf(this.#meter.metered(), how), amount: NOTHING };
      case 'client_gone':
      case 'out_of_time':
        return this.#partial(how);
    }
  }

  /**
   * The charge for an answer whose buyer left, or that took longer than its payment lasts. The output counts as stated
   * by then or as seen in the bytes, whichever is more.
   */
  #partial(how: AnswerEnd): Charged {
    const metered = this.#meter.metered();
    if (metered.kind === 'failed' || metered.kind === 'stated') return this.#chargeOf(metered, how);
    const guessed = this.#meter.estimate(this.#terms.requestBytes);
    const figures = metered.kind === 'used' ? withLeast(metered.figures, guessed) : guessed;
    const { model } = metered;
    const amount = computeCharge(figures, this.#terms.metering.rates, this.#bounds());
    const isGuess = metered.kind !== 'used' || figures !== metered.figures;
    return { kind: 'charge', amount, usage: { ...this.#usage(how), model, figures, guessed: isGuess } };
  }

  #chargeOf(metered: Metered, how: AnswerEnd): Charged {
    const { rates, missing } = this.#terms.metering;
    const bounds = this.#bounds();
    const usage = this.#usage(how);
    switch (metered.kind) {
      case 'used': {
        const { figures, model } = metered;
        return { kind: 'charge', amount: computeCharge(figures, rates, bounds), usage: { ...usage, figures, model } };
      }
      case 'stated': {
        const stated = metered.text.slice(0, MOST_STATED);
        const amount = statedCharge(metered.text, bounds);
        if (amount !== undefined) return { kind: 'charge', amount, usage: { ...usage, stated } };
        return {
          kind: 'charge',
          amount: missingCharge(missing, bounds),
          usage: { ...usage, stated, missing: 'bad_figure' },
        };
      }
      case 'missing': {
        const { reason, model } = metered;
        return { kind: 'charge', amount: missingCharge(missing, bounds), usage: { ...usage, model, missing: reason } };
      }
      case 'failed':
        return { kind: 'charge', amount: NOTHING, usage };
    }
  }

  /** The facts of every charge; each kind adds those of its answer. */
  #usage(end: AnswerEnd): Usage {
    const { meter, rates, min } = this.#terms.metering;
    const texts = new Map([...rates].map(([dimension, { text }]) => [dimension, text]));
    const nothing = { model: undefined, figures: new Map(), stated: undefined, missing: undefined, guessed: false };
    return { ...nothing, meter: meterName(meter), end, rates: texts, min };
  }

  #bounds(): ChargeBounds {
    const { call, metering } = this.#terms;
    const { amount: max, decimals } = call.limit;
    const least = metering.min === '0' ? undefined : priceInUnits(metering.min, decimals);
    return { min: least?.ok === true ? least.value : NOTHING, max, decimals };
  }

  /** The receipt as a comment of an event stream, which no client takes for an event. */
  #receipt(told: ChargeTold | undefined): Buffer {
    const receipt = told?.comment;
    return receipt === undefined || !this.adds || !this.#meter.endsClean
      ? Buffer.alloc(0)
      : Buffer.from(`: x402 ${receipt}\n\n`);
  }
}

function meterName(meter: MeterSpec): string {
  return meter.kind === 'family' ? meter.family : meter.kind;
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

/** The stated figures, with at least as much output as was seen: a stream states its output at its end. */
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
