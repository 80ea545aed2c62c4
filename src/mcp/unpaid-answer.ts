import { isRecord } from '../domain/exact-json.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Json } from '../domain/x402.ts';
import { isAnswer, parsed } from './call-answer.ts';
import { isPaidId, isTaskNews, longestMark, mayHoldPaidId, mayHoldTaskNews, type RpcId } from './message.ts';
import { errorAnswer } from './refusal-answer.ts';

const NOT_ANSWERED = -32603;

/** Largest answer that is held until it was read, in bytes. A larger one may hold nothing that has to be read. */
const MOST_HELD = 8 * 1024 * 1024;

/** Whether a message, or one of several, is the result of a priced call, or news of one. */
export function isWithheld(message: Json | undefined): boolean {
  // What cannot be read here may be read elsewhere.
  if (message === undefined) return true;
  if (Array.isArray(message)) return message.some(isWithheld);
  if (!isRecord(message)) return false;
  return (isAnswer(message) && isPaidId(message['id'])) || isTaskNews(message['method']);
}

/** Whether a text may hold what is withheld. */
export function mayBeWithheld(text: string): boolean {
  return mayHoldPaidId(text) || mayHoldTaskNews(text);
}

/**
 * Looks through an answer in JSON that nobody paid for: a server that answers another call than it was asked does not give its
 * result away. Its client gets an error instead.
 */
export class UnpaidAnswer {
  readonly #id: RpcId | undefined;
  #held: Buffer[] = [];
  #bytes = 0;
  /** The last characters, in which a mark may begin. */
  #tail = '';
  #isMarked = false;

  /** @param id of the message that is answered; `undefined` where it has none */
  constructor(id: RpcId | undefined) {
    this.#id = id;
  }

  /** @throws GatewayError `upstream_invalid_answer` for a marked answer that is too large to be read */
  pass(chunk: Buffer): readonly Buffer[] {
    const text = this.#tail + chunk.toString('latin1');
    this.#isMarked ||= mayBeWithheld(text);
    this.#tail = text.slice(-longestMark());
    this.#held.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes <= MOST_HELD) return [];
    if (this.#isMarked) throw new GatewayError('upstream_invalid_answer', { detail: 'It may answer another call.' });
    return this.#held.splice(0);
  }

  end(): Buffer {
    const body = Buffer.concat(this.#held.splice(0));
    if (!this.#isMarked || !isWithheld(parsed(body.toString('utf8')))) return body;
    return Buffer.from(
      JSON.stringify(errorAnswer(this.#id, NOT_ANSWERED, 'The server did not answer this call.')),
      'utf8',
    );
  }
}
