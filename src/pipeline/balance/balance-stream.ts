import type { AnswerEnd } from '../../domain/answer-end.ts';
import type { Charge, StreamReading } from '../../domain/answer-reader.ts';
import type { OpenHold } from '../../pass/balance-holds.ts';
import type { LastPart, Passage } from '../../proxy/passage.ts';
import type { RelayOutcome } from '../../proxy/upstream-connection.ts';
import type { RoutedRequest } from '../exchange.ts';
import { endAfter, takesTrailers } from '../stream-charge.ts';
import { type Drawn, type DrawTerms, drawCharge, toldOfDraw } from './draw-charge.ts';

/**
 * Charges a stream to a balance while it goes out. Its maximum is held before its first byte. The charge is drawn
 * before its tail goes out, or when the answer broke off.
 */
export class BalanceStream implements Passage {
  readonly #request: RoutedRequest;
  readonly #hold: OpenHold;
  readonly #reading: StreamReading;
  readonly #terms: DrawTerms;
  #drawing: Promise<Drawn> | undefined;
  #isOutOfTime = false;

  constructor(request: RoutedRequest, hold: OpenHold, reading: StreamReading, terms: DrawTerms) {
    this.#request = request;
    this.#hold = hold;
    this.#reading = reading;
    this.#terms = terms;
  }

  /** Cuts the answer, because it has taken too long. */
  runOut(): void {
    this.#isOutOfTime = true;
  }

  pass(chunk: Buffer): readonly Uint8Array[] {
    return this.#reading.pass(chunk);
  }

  /** Draws the charge, and returns the last part of the answer. */
  async end(): Promise<LastPart> {
    const drawn = await this.#draw('complete');
    const told = toldOfDraw(drawn, this.#terms);
    const bytes = drawn.charge.finish?.(told);
    const trailers = told !== undefined && takesTrailers(this.#request) ? told.fields : [];
    return { bytes, trailers: trailers.map(([name, value]) => [name, value]) };
  }

  /**
   * Draws the charge of an answer that broke off. A charge that cannot be written is released: the end of the answer
   * did not go out.
   */
  async close(outcome: RelayOutcome): Promise<void> {
    if (this.#drawing !== undefined) return void (await this.#drawing.catch(() => undefined));
    await this.#draw(endAfter(outcome, this.#isOutOfTime));
  }

  #draw(how: AnswerEnd): Promise<Drawn> {
    this.#drawing = this.#readAndDraw(how);
    return this.#drawing;
  }

  /** If the reader fails, the call costs nothing and its answer is cut. */
  async #readAndDraw(how: AnswerEnd): Promise<Drawn> {
    let charge: Charge;
    try {
      charge = this.#reading.end(how);
    } catch (fault) {
      await this.#hold.release();
      throw fault;
    }
    return await drawCharge(this.#request, this.#hold, charge, this.#terms);
  }
}
