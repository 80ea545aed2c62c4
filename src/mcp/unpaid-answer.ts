import { isRecord } from '../domain/exact-json.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Json } from '../domain/x402.ts';
import { type BodyChange, joined } from './body-change.ts';
import { isAnswer, parsed } from './call-answer.ts';
import { isPaidId, isTaskNews, type RpcId, WITHHELD_MARKS } from './message.ts';
import { errorAnswer } from './refusal-answer.ts';

const NOT_ANSWERED = -32603;

/** Largest answer that is held to be read, in bytes. A larger one must not hold a mark. */
const MOST_HELD = 8 * 1024 * 1024;

/** Whether a message, or one of several, is the result of a priced call or reports a task. */
export function isWithheld(message: Json | undefined): boolean {
  // Text that cannot be read here may be an answer to another reader.
  if (message === undefined) return true;
  if (Array.isArray(message)) return message.some(isWithheld);
  if (!isRecord(message)) return false;
  return (isAnswer(message) && isPaidId(message['id'])) || isTaskNews(message['method']);
}

/** Whether a text may hold a message that is withheld. */
export function mayBeWithheld(text: string): boolean {
  return WITHHELD_MARKS.some((mark) => text.includes(mark));
}

const MARKS = WITHHELD_MARKS.map((mark) => Buffer.from(mark, 'latin1'));
/** The same for bytes. */
export function holdsMark(bytes: Buffer): boolean {
  return MARKS.some((mark) => bytes.includes(mark));
}

const LONGEST_MARK = Math.max(...MARKS.map(({ length }) => length));

/**
 * Searches an unpaid answer in JSON: a server that answers another call than the one asked must not give away its
 * result. The client gets an error instead.
 */
export class UnpaidAnswer implements BodyChange {
  readonly waits = true;
  readonly #id: RpcId | undefined;
  #held: Buffer[] = [];
  #bytes = 0;
  /** The last bytes, in which a mark may begin. */
  #tail = Buffer.alloc(0);
  #isMarked = false;

  /** @param id of the message that is answered; `undefined` where it has none */
  constructor(id: RpcId | undefined) {
    this.#id = id;
  }

  /** @throws GatewayError `upstream_invalid_answer` for a marked answer that is too large to be read */
  pass(chunk: Buffer): readonly Buffer[] {
    this.#look(chunk);
    this.#held.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes <= MOST_HELD) return [];
    if (this.#isMarked) throw new GatewayError('upstream_invalid_answer', { detail: 'It may answer another call.' });
    return this.#held.splice(0);
  }

  #look(chunk: Buffer): void {
    if (this.#isMarked) return;
    const edge = Buffer.concat([this.#tail, chunk.subarray(0, LONGEST_MARK)]);
    this.#isMarked = holdsMark(edge) || holdsMark(chunk);
    const last = chunk.length < LONGEST_MARK ? Buffer.concat([this.#tail, chunk]) : chunk;
    this.#tail = Buffer.from(last.subarray(-LONGEST_MARK));
  }

  end(): readonly Buffer[] {
    const held = this.#held.splice(0);
    if (!this.#isMarked || !isWithheld(parsed(joined(held).toString('utf8')))) return held;
    const error = errorAnswer(this.#id, NOT_ANSWERED, 'The server did not answer this call.');
    return [Buffer.from(JSON.stringify(error), 'utf8')];
  }
}
