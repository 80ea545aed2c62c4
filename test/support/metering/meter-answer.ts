import type { Metered, MeterSpec } from '../../../src/domain/metered-price.ts';
import { openAnswerMeter } from '../../../src/metering/open-answer-meter.ts';

/** An answer of an API, as a meter sees it. */
export interface SampleAnswer {
  readonly path?: string;
  readonly contentType: string;
  readonly contentEncoding?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** What came of metering an answer: what was told, what went on before the end, and what was held back. */
export interface MeteredSample {
  readonly metered: Metered;
  readonly forwarded: Buffer;
  readonly held: Buffer;
}

/** Meters an answer whose body comes in pieces that end at `cuts`. */
export function meterAnswer(meter: MeterSpec, answer: SampleAnswer, cuts: readonly number[] = []): MeteredSample {
  const { path = '/v1/chat/completions', contentType, contentEncoding, headers = {} } = answer;
  const head = { path, contentType, contentEncoding, header: (name: string) => headers[name] };
  const reader = openAnswerMeter(meter, head, () => 0);
  const body = Buffer.from(answer.body);
  const forwarded: Uint8Array[] = [];
  let from = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), body.length]) {
    forwarded.push(...reader.push(body.subarray(from, cut)));
    from = cut;
  }
  const held = Buffer.concat(reader.finish());
  return { metered: reader.metered(), forwarded: Buffer.concat(forwarded), held };
}

/** An API family's meter. */
export function family(name: 'openai' | 'anthropic' | 'gemini' | 'openrouter' | 'ollama' | 'auto'): MeterSpec {
  return { kind: 'family', family: name };
}
