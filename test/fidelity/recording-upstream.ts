import { openOddUpstream, type TestUpstream } from '../support/odd-upstream.ts';
import type { RawPeer } from '../support/raw-http.ts';
import { type Message, takeRequest } from './message.ts';

/** What an upstream says to a request, byte for byte. */
export interface Script {
  /** In latin1. */
  readonly bytes: string;
  /** Ends the connection after it, as a body without length needs it. */
  readonly closes: boolean;
}

/** An upstream that writes down every request as bytes and answers in bytes. */
export interface RecordingUpstream extends TestUpstream {
  /** Requests so far, whole, in the order of their end; without those for {@link PROBE_PATH}. */
  readonly seen: readonly Message[];
  /** What the requests from now on are answered. */
  script(script: Script): void;
}

/** What is asked on a connection to see whether it is still in step; its answer is always {@link PROBE_CONTENT}. */
export const PROBE_PATH = '/probe';
export const PROBE_CONTENT = 'in step';

const PROBE_ANSWER = `HTTP/1.1 200 OK\r\nContent-Length: ${PROBE_CONTENT.length}\r\n\r\n${PROBE_CONTENT}`;

/** Opens a {@link RecordingUpstream}. It keeps to its connection's framing, and asks for bodies that are held back. */
export async function openRecordingUpstream(): Promise<RecordingUpstream> {
  const seen: Message[] = [];
  let current: Script = { bytes: PROBE_ANSWER, closes: false };
  const upstream = await openOddUpstream(async (peer) => {
    for (;;) {
      const request = await takeRequest(peer, (head) => askForBody(peer, head));
      const isProbe = request.startLine.split(' ')[1] === PROBE_PATH;
      if (!isProbe) seen.push(request);
      peer.send(isProbe ? PROBE_ANSWER : current.bytes);
      if (isProbe || !current.closes) continue;
      peer.socket.end();
      return;
    }
  });
  return {
    ...upstream,
    seen,
    script: (script) => {
      current = script;
    },
  };
}

/** As servers do: only where there is a body to come. */
function askForBody(peer: RawPeer, head: string): void {
  const hasBody = /\r\n(content-length: *[1-9]|transfer-encoding)/i.test(head);
  if (hasBody && /^[^\r]* HTTP\/1\.1\r\n/.test(head) && /\r\nexpect: *100-continue/i.test(head)) {
    peer.send('HTTP/1.1 100 Continue\r\n\r\n');
  }
}
