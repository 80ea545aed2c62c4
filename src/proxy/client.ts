import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import type { Answer } from '../domain/answer.ts';
import type { RequestHead } from '../domain/request-head.ts';
import { STATUS_CODES } from '../engine/node-http.ts';
import { ClientDeparture, type SignalledDeparture } from './client-departure.ts';
import { answerBeforeUploadEnds, discardBody } from './linger.ts';
import type { Passage } from './passage.ts';
import { type BodyTerms, requestBodyOf } from './received-body.ts';
import type { RequestBody } from './request-body.ts';
import { readRequestHead } from './request-head.ts';
import { bodyOf } from './upload-body.ts';
import type { RelayOutcome, UpstreamResponse } from './upstream-response.ts';

/** A request as a server received it: its head, and the client that waits for the answer. */
export interface ReceivedRequest {
  readonly head: RequestHead;
  readonly client: Client;
}

/** The head of an answer that is relayed. */
export interface RelayedHead {
  readonly status: number;
  /** Reason phrase, latin1. */
  readonly statusText: string;
  /** Flat list of names and values. */
  readonly headers: string[];
}

/** The client of one request, as the pipeline knows it: a body that may be read, and one answer that goes to it. */
export interface Client {
  /** Whether it left before its answer was complete. */
  readonly departure: SignalledDeparture;
  /** Whether nothing can be written to it any more. */
  readonly isGone: boolean;
  /** Status of the answer, once there is one. */
  readonly status: number;
  /** The response for informational responses (102, 103); `undefined` where they cannot be written. */
  readonly hints: ServerResponse | undefined;
  /** The request's body. To be called once. */
  body(head: RequestHead, terms: BodyTerms): RequestBody | undefined;
  /** Calls the listener when the answer or the connection has ended; at once if it has ended before. */
  onOver(listener: () => void): void;
  /** Writes an answer, and handles a body that was not read. An answer that has begun is cut instead. */
  answer(answer: Answer): void;
  /** The same; resolves with whether all of it was handed to the connection. */
  deliver(answer: Answer): Promise<boolean>;
  /**
   * Relays a response of the API, under this head.
   *
   * @throws what Node says of a head that cannot be written, at once; the response is discarded then
   */
  relay(response: UpstreamResponse, head: RelayedHead, passage?: Passage): Promise<RelayOutcome>;
}

/** The request that a server received, with its client. */
export function receivedRequest(
  req: IncomingMessage,
  res: ServerResponse,
): ReceivedRequest & { readonly client: HttpClient } {
  return { head: readRequestHead(req), client: new HttpClient(req, res) };
}

/** A client whose connection a server of Node's reads and writes. */
export class HttpClient implements Client {
  readonly departure: ClientDeparture;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;

  constructor(req: IncomingMessage, res: ServerResponse) {
    this.#req = req;
    this.#res = res;
    this.departure = new ClientDeparture(res);
  }

  get isGone(): boolean {
    return this.#res.destroyed;
  }

  get status(): number {
    return this.#res.statusCode;
  }

  get hints(): ServerResponse {
    return this.#res;
  }

  body(head: RequestHead, terms: BodyTerms): RequestBody | undefined {
    return requestBodyOf(head, this.#req, this.departure, terms);
  }

  onOver(listener: () => void): void {
    this.departure.onOver(listener);
  }

  answer({ status, reason, headers, body, encoding, dated }: Answer): void {
    const res = this.#res;
    if (res.headersSent || res.destroyed) {
      res.destroy();
      return;
    }
    discardBody(this.#req, res);
    if (!dated) res.sendDate = false;
    // With its own reason phrase: an upstream's, set before a failed head, would stick.
    res.writeHead(status, reason ?? STATUS_CODES[status] ?? '', headers as string[]);
    if (body === undefined || this.#req.method === 'HEAD') res.end();
    else if (typeof body === 'string') res.end(body, encoding);
    else res.end(body);
  }

  async deliver(answer: Answer): Promise<boolean> {
    this.answer(answer);
    try {
      await finished(this.#res);
      return true;
    } catch {
      return false;
    }
  }

  relay(response: UpstreamResponse, head: RelayedHead, passage?: Passage): Promise<RelayOutcome> {
    const res = this.#res;
    // The upstream may have answered early, without reading the body.
    if (!this.#req.complete && bodyOf(this.#req) !== undefined) answerBeforeUploadEnds(this.#req, res);
    res.sendDate = false;
    try {
      res.writeHead(head.status, head.statusText, head.headers);
    } catch (fault) {
      response.discard();
      throw fault;
    }
    return response.relay(res, passage);
  }
}
