import { openOddUpstream } from '../support/odd-upstream.ts';

/** An API that answers in bytes. */
export interface OddUpstream {
  readonly url: string;
  close(): Promise<void>;
}

/** Opens an API that answers every request with the same bytes, as often as a connection asks. */
export async function openQueueOf(bytes: string): Promise<OddUpstream> {
  const odd = await openOddUpstream(async (peer) => {
    for (;;) {
      await peer.until('\r\n\r\n');
      peer.clear();
      peer.send(bytes);
    }
  });
  return { url: `http://127.0.0.1:${odd.port}`, close: () => odd.close() };
}
