import type { Answer } from '../../domain/answer.ts';
import type { ApiAnswer } from '../../mcp/tool-result.ts';
import { MemoryOutlet } from '../../proxy/answer-outlet.ts';
import type { Client, RelayedHead } from '../../proxy/client.ts';
import type { Passage } from '../../proxy/passage.ts';
import type { RequestBody } from '../../proxy/request-body.ts';
import type { RelayOutcome, UpstreamResponse } from '../../proxy/upstream-response.ts';
import { CallDeparture } from '../call-departure.ts';

/** How answers to the request become answers to the call. */
export interface AnswerForms {
  /** Longest answer of the API that is kept, in bytes. */
  readonly maxBytes: number;
  /** An answer of the gateway's own, or one that was kept for its buyer. */
  own(answer: Answer): Answer;
  /** An answer of the API, with its trailers. */
  api(answer: ApiAnswer & { readonly trailers: readonly string[] }): Answer;
  /** An answer longer than {@link maxBytes}, or one that the API broke off. */
  lost(why: 'larger' | 'broke', headers: readonly string[]): Answer;
}

/**
 * The client of the request behind a tool call: the answer goes into a message for the client of the call. An answer
 * counts as delivered when the message was; a buyer who left before collects it as over HTTP.
 */
export class ToolClient implements Client {
  readonly departure: CallDeparture;
  readonly hints = undefined;
  readonly #outer: Client;
  readonly #body: RequestBody | undefined;
  readonly #forms: AnswerForms;
  #status = 200;

  /** @param outer the client of the call */
  constructor(outer: Client, body: RequestBody | undefined, forms: AnswerForms) {
    this.#outer = outer;
    this.#body = body;
    this.#forms = forms;
    this.departure = new CallDeparture(outer.departure);
  }

  get isGone(): boolean {
    return this.departure.aborted || this.#outer.isGone;
  }

  get status(): number {
    return this.#status;
  }

  body(): RequestBody | undefined {
    return this.#body;
  }

  onOver(listener: () => void): void {
    this.#outer.onOver(listener);
  }

  answer(answer: Answer): void {
    this.#status = answer.status;
    this.#outer.answer(this.#forms.own(answer));
  }

  async deliver(answer: Answer): Promise<boolean> {
    this.#status = answer.status;
    return await this.#outer.deliver(this.#forms.own(answer));
  }

  async relay(response: UpstreamResponse, { status, headers }: RelayedHead, passage?: Passage): Promise<RelayOutcome> {
    this.#status = status;
    const outlet = new MemoryOutlet(this.#forms.maxBytes);
    outlet.on('close', () => {
      // Treated as a client that stops reading: its buyer can collect the answer over HTTP.
      if (outlet.overflowed) this.departure.cancel();
    });
    const outcome = await response.relay(outlet, passage);
    if (outcome.kind === 'complete') {
      const { body, trailers } = outlet;
      const arrived = await this.#outer.deliver(this.#forms.api({ status, headers, body, trailers }));
      return arrived ? outcome : { kind: 'client_gone' };
    }
    if (!this.#outer.isGone) this.#outer.answer(this.#forms.lost(outlet.overflowed ? 'larger' : 'broke', headers));
    return outcome;
  }
}
