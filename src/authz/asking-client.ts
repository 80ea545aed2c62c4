import type { Answer } from '../domain/answer.ts';
import type { RequestHead } from '../domain/request-head.ts';
import type { Client } from '../proxy/client.ts';
import type { SignalledDeparture } from '../proxy/client-departure.ts';
import type { BodyTerms } from '../proxy/received-body.ts';
import type { RequestBody } from '../proxy/request-body.ts';
import type { QuestionForm } from './question-form.ts';

/**
 * The proxy that asks, as the client of the request that it asks about. {@link letPass} is the only way to a yes: every
 * other answer is a no, whatever its status.
 */
export class AskingClient implements Client {
  readonly hints = undefined;
  readonly #client: Client;
  readonly #form: QuestionForm;
  /** The status that the asking proxy's own client gets; `undefined` before an answer, and after a yes. */
  #denied: number | undefined;
  #passed = false;

  constructor(client: Client, form: QuestionForm) {
    this.#client = client;
    this.#form = form;
  }

  get departure(): SignalledDeparture {
    return this.#client.departure;
  }

  get isGone(): boolean {
    return this.#client.isGone;
  }

  get status(): number {
    return this.#denied ?? this.#client.status;
  }

  body(head: RequestHead, terms: BodyTerms): RequestBody | undefined {
    return this.#client.body(head, terms);
  }

  onOver(listener: () => void): void {
    this.#client.onOver(listener);
  }

  /** Lets the request pass, with these headers. Resolves with whether all of the answer was handed to the connection. */
  async letPass(headers: readonly string[]): Promise<boolean> {
    this.#passed = true;
    const all = ['Content-Length', '0', 'Cache-Control', 'no-store', ...headers];
    return await this.#client.deliver({
      status: 200,
      reason: undefined,
      headers: all,
      body: undefined,
      encoding: 'latin1',
      dated: true,
    });
  }

  answer(answer: Answer): void {
    // A fault after the yes, such as a ledger that cannot be written: the question is answered.
    if (!this.#passed) this.#client.answer(this.#deny(answer));
  }

  async deliver(answer: Answer): Promise<boolean> {
    return await this.#client.deliver(this.#deny(answer));
  }

  relay(): never {
    throw new Error('there is no API whose answer could be relayed');
  }

  #deny(answer: Answer): Answer {
    this.#denied = answer.status;
    return this.#form.denied(answer);
  }
}
