import { connectRaw, type RawPeer } from '../support/raw-http.ts';
import { type Message, takeResponse, valuesOf } from './message.ts';
import { PROBE_CONTENT, PROBE_PATH } from './recording-upstream.ts';

/** A request as bytes: `body` is held back until it is asked for where the head expects that. */
export interface RawRequest {
  readonly method: string;
  /** With its blank line, in latin1. */
  readonly head: string;
  readonly body: string;
}

/** What a client received for one request. */
export interface Received {
  readonly interim: readonly Message[];
  readonly response: Message;
  /** Whether the connection served another request afterwards, as opposed to having ended. */
  readonly reusable: boolean;
}

/** Sends a request on a connection of its own and reads its answer; then probes whether the connection is in step. */
export async function converse(port: number, request: RawRequest, probing: boolean): Promise<Received> {
  const peer = await connectRaw(port);
  try {
    const heldBack = request.body !== '' && /\r\nexpect: *100-continue/i.test(request.head) && !isOld(request);
    peer.send(heldBack ? request.head : request.head + request.body);
    const interim: Message[] = [];
    for (;;) {
      const response = await takeResponse(peer, request.method);
      if (!/^HTTP\/1\.1 1\d\d/.test(response.startLine)) {
        return { interim, response, reusable: probing && (await isInStep(peer, request, response)) };
      }
      interim.push(response);
      if (heldBack && /^HTTP\/1\.1 100/.test(response.startLine)) peer.send(request.body);
    }
  } finally {
    peer.socket.destroy();
  }
}

async function isInStep(peer: RawPeer, request: RawRequest, response: Message): Promise<boolean> {
  if (response.framing === 'close' || endsWith(request, response)) {
    const rest = await peer.ended;
    if (rest.length > 0) throw new Error(`bytes after the last answer: ${rest.toString('latin1', 0, 200)}`);
    return false;
  }
  if (peer.received.length > 0) throw new Error(`bytes after the answer: ${peer.received.toString('latin1', 0, 200)}`);
  peer.send(`GET ${PROBE_PATH} HTTP/1.1\r\nHost: probe.test\r\n\r\n`);
  const probe = await takeResponse(peer, 'GET');
  if (probe.content !== PROBE_CONTENT) throw new Error(`out of step: ${probe.startLine} ${probe.content}`);
  return true;
}

/** Whether the connection ends after this answer (RFC 9112 §9.3). */
function endsWith(request: RawRequest, response: Message): boolean {
  const options = valuesOf(response.headers, 'connection').join().toLowerCase();
  if (options.includes('close')) return true;
  return isOld(request) && !options.includes('keep-alive');
}

function isOld({ head }: RawRequest): boolean {
  return /^[^\r]* HTTP\/1\.0\r\n/.test(head);
}
