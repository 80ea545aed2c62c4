import type { AnswerReader, ChargeTold, HeldReading, StreamReading, WholeReading } from '../domain/answer-reader.ts';
import type { Passage } from '../proxy/passage.ts';
import type { UpstreamResponse } from '../proxy/upstream-connection.ts';
import type { Changes } from './forward.ts';

/**
 * Changes an answer that is collected with a payment settled before: its reader completes it as it would have the first
 * time, with the receipt of that settlement. Nothing is charged, whatever the answer says.
 */
export function collectedChanges(
  reader: AnswerReader,
  response: UpstreamResponse,
  told: ChargeTold,
): Changes | undefined {
  // An answer that is charged in full or not at all is sent unchanged.
  if (reader.allOrNothing === true) return undefined;
  const reading = reader.begin(response);
  if (reading.kind === 'unread') return undefined;
  if (reading.kind === 'stream')
    return { passage: streamPassage(reading, told), length: reading.adds ? undefined : 'same' };
  if (reading.kind === 'held') return { passage: heldPassage(reading, told), length: undefined };
  return { passage: new WholePassage(reading, told), length: undefined };
}

function streamPassage(reading: StreamReading, told: ChargeTold): Passage {
  return {
    pass: (chunk) => reading.pass(chunk),
    end: async () => ({ bytes: reading.end('complete').finish?.(told), trailers: [] }),
  };
}

function heldPassage(reading: HeldReading, told: ChargeTold): Passage {
  return {
    pass: (chunk) => reading.pass(chunk),
    end: async () => ({ bytes: reading.charge().finish?.(told), trailers: [] }),
  };
}

/**
 * Holds an answer back until it is whole. An answer too large for that is sent as its reader leaves it, or unchanged.
 */
class WholePassage implements Passage {
  readonly #reading: WholeReading;
  readonly #told: ChargeTold;
  #held: Buffer[] = [];
  #bytes = 0;
  #rest: Passage | undefined;

  constructor(reading: WholeReading, told: ChargeTold) {
    this.#reading = reading;
    this.#told = told;
  }

  pass(chunk: Buffer): readonly Uint8Array[] {
    if (this.#rest !== undefined) return this.#rest.pass(chunk);
    this.#held.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#reading.maxBytes) return [];
    const { larger } = this.#reading;
    const rest = larger?.kind !== 'stream' ? UNCHANGED : streamPassage(larger, this.#told);
    this.#rest = rest;
    return this.#held.splice(0).flatMap((part) => rest.pass(part));
  }

  async end(): Promise<Awaited<ReturnType<Passage['end']>>> {
    if (this.#rest !== undefined) return await this.#rest.end();
    const body = Buffer.concat(this.#held);
    return { bytes: this.#reading.charge(body).finish?.(this.#told) ?? body, trailers: [] };
  }
}

const UNCHANGED: Passage = { pass: (chunk) => [chunk], end: async () => ({ bytes: undefined, trailers: [] }) };
