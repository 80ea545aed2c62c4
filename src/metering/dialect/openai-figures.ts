import { parseDecimal } from '../../domain/decimal.ts';
import type { Figures } from '../../domain/rate.ts';
import { count, wholeFigures } from './counts.ts';
import type { Fields } from './dialect.ts';

/** The counts of one answer. Of OpenAI's own, `cached` is a part of `input`, and `reasoning` a part of `output`. */
interface Counts {
  readonly input: bigint;
  readonly output: bigint;
  readonly cached: bigint;
  readonly reasoning: bigint;
  readonly total: bigint | undefined;
}

/** Counts that a server states beside `input` and `output`, not as a part of them. */
interface Beside {
  readonly cached: bigint;
  readonly reasoning: bigint;
}

/**
 * Names of Google's models, also behind a path. Its own endpoint of this shape bills thoughts as output, and states them
 * in the total alone.
 */
const GEMINI = /^(?:[^/]+\/)*gemini-/;

/** The figures of OpenAI's shapes, by the names of its fields; `undefined` where use is not told. */
export function openaiFigures(fields: Fields, model: string | undefined): Figures | undefined {
  const seconds = fields.get('seconds');
  if (seconds !== undefined) {
    const decimal = parseDecimal(seconds);
    return decimal === undefined ? undefined : new Map([['seconds', decimal]]);
  }
  if (isTotalAlone(fields)) return wholeFigures(['input', count(fields, 'total')]);
  if (!fields.has('input') || !hasOutput(fields)) return undefined;
  const [input, output, cached] = [count(fields, 'input'), count(fields, 'output'), count(fields, 'cached')];
  if (input === undefined || output === undefined || cached === undefined) return undefined;
  const reasoning = count(fields, 'reasoning') ?? 0n;
  const total = fields.has('total') ? count(fields, 'total') : undefined;
  const beside = countedBeside({ input, output, cached, reasoning, total }, GEMINI.test(model ?? ''));
  const read = input + beside.cached - cached;
  const written = writtenOf(fields, read);
  return wholeFigures(
    ['input', read - written],
    ['cachedInput', cached],
    ...(written === 0n ? [] : [['cacheWrite', written] as const]),
    ['output', output + beside.reasoning],
  );
}

/** What was written to a cache, which is a part of the input that was read; nothing where it cannot be one. */
function writtenOf(fields: Fields, read: bigint): bigint {
  const written = count(fields, 'cacheWrite') ?? 0n;
  return written <= read ? written : 0n;
}

/** Whether an answer that can have no output, such as Voyage's embeddings or a reranker's results, states one sum. */
function isTotalAlone(fields: Fields): boolean {
  const makesNothing = !fields.has('object') || fields.get('object') === 'list';
  return makesNothing && fields.has('total') && !fields.has('input') && !fields.has('output');
}

/** A list of embeddings has no output; for anything else a missing output means that no use is stated. */
function hasOutput(fields: Fields): boolean {
  return fields.has('output') || fields.get('object') === 'list';
}

/**
 * xAI and shims of Gemini count reasoning beside the output, and some shims the cached input beside the input. The total
 * shows it: the reading counts that adds up to it. Where none does, it is OpenAI's, unless the part is larger than the
 * whole. What a total holds and nothing names can be anything, such as the sound that Mistral's models read.
 *
 * @param thinksUnnamed whether it is the thoughts of the model
 */
function countedBeside({ input, output, cached, reasoning, total }: Counts, thinksUnnamed: boolean): Beside {
  const readings: readonly Beside[] = [
    { cached: 0n, reasoning: 0n },
    { cached: 0n, reasoning },
    { cached, reasoning: 0n },
    { cached, reasoning },
  ];
  const adds = (one: Beside): boolean =>
    input + one.cached >= cached && total === input + one.cached + output + one.reasoning;
  const found = readings.find(adds);
  if (found !== undefined) return found;
  const cachedBeside = cached > input ? cached : 0n;
  const unnamed = (total ?? 0n) - input - cachedBeside - output;
  return { cached: cachedBeside, reasoning: thinksUnnamed && reasoning === 0n && unnamed > 0n ? unnamed : 0n };
}
