import type { Socket } from 'node:net';
import symbols from 'undici/lib/core/symbols.js';

/** The part of undici's parser of answers (`lib/dispatcher/client-h1.js`) that is corrected. */
interface AnswerParser {
  /** Status of the answer whose body or trailers are read; below 200 otherwise. */
  statusCode: number;
  statusText: string;
  /** Values of those fields so far, with those of trailers. */
  contentLength: string;
  connection: string;
  /** The parser itself, in WebAssembly, and the address of its state. */
  readonly llhttp: { llhttp_set_lenient_chunked_length(state: number, enabled: 0 | 1): void };
  readonly ptr: number;
  /** Counts bytes of a head, which has a limit. */
  trackHeader(bytes: number): void;
  onStatus(piece: Buffer): number;
  onHeadersComplete(status: number, upgrade: boolean, keepAlive: boolean): number;
  onMessageComplete(): number;
}

/**
 * Makes undici read the answers on a connection as RFC 9110 says, where it does not. To be called for each connection
 * before its first request.
 *
 * - An unasked 100 is an interim answer like any other (§15.2); undici breaks the connection off.
 * - A reason phrase may come in pieces, in any encoding; undici keeps the last piece, as UTF-8.
 * - Trailers say nothing about the framing of their own answer (§6.5.1). A `Content-Length` among them is an error to
 *   llhttp, and undici would compare the body with it. After a `Connection` among them, llhttp may refuse the answers
 *   that follow on the connection.
 */
export function correctParser(socket: Socket): void {
  const parser: AnswerParser | undefined = Reflect.get(socket, symbols.kParser);
  if (parser === undefined) throw new Error('undici keeps its parser elsewhere');
  const { onHeadersComplete, onMessageComplete } = parser;
  let length = '';
  let connection = '';
  parser.onStatus = (piece) => {
    parser.statusText += piece.toString('latin1');
    parser.trackHeader(piece.length);
    return 0;
  };
  parser.onHeadersComplete = (status, upgrade, keepAlive) => {
    ({ contentLength: length, connection } = parser);
    // The head has been checked for two lengths by now.
    if (status >= 200) parser.llhttp.llhttp_set_lenient_chunked_length(parser.ptr, 1);
    // undici hands a 101 without an upgrade on to the handler as an interim answer.
    return onHeadersComplete.call(parser, status === 100 ? 101 : status, upgrade, keepAlive);
  };
  parser.onMessageComplete = () => {
    if (parser.statusCode >= 200) {
      parser.llhttp.llhttp_set_lenient_chunked_length(parser.ptr, 0);
      if (parser.connection !== connection) Reflect.set(socket, symbols.kReset, true);
      parser.contentLength = length;
    }
    return onMessageComplete.call(parser);
  };
}
