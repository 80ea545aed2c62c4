import type { Dispatcher } from 'undici';
import request from 'undici/lib/api/api-request.js';
import { openDispatcher } from '../outgoing/dispatcher.ts';
import type { Message } from './message.ts';

/** How long one attempt may take in all, in milliseconds. */
export const ATTEMPT_MS = 10_000;
/** Most connections to one receiver. */
const CONNECTIONS = 8;
/** Bytes of an answer's body that are read, so that its connection can be reused; the content is ignored. */
const IGNORED_BYTES = 16 * 1024;
const MAX_HEAD_BYTES = 16 * 1024;

/** Sends messages. */
export interface Post {
  /**
   * Sends a message and resolves to the status of the answer; redirects are not followed, the body is ignored. Rejects
   * when there was none within {@link ATTEMPT_MS}, or `signal` was aborted: the message may have arrived all the same.
   */
  send(url: string, message: Message, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

/**
 * Opens connections to receivers on demand. Certificates are always verified.
 *
 * @param proxyOf the proxy for a URL, with its credentials
 */
export function openPost(proxyOf: (url: string) => string | undefined = () => undefined): Post {
  const dispatchers = new Map<string | undefined, Dispatcher>();
  return {
    async send(url, { headers, body }, stop) {
      const { origin, pathname } = new URL(url);
      const signal = AbortSignal.any([stop, AbortSignal.timeout(ATTEMPT_MS)]);
      const proxy = proxyOf(url);
      const dispatcher =
        dispatchers.get(proxy) ?? openDispatcher(proxy, { connections: CONNECTIONS, maxHeaderSize: MAX_HEAD_BYTES });
      dispatchers.set(proxy, dispatcher);
      const answer = await request.call(dispatcher, { origin, path: pathname, method: 'POST', headers, body, signal });
      // The body does not matter: the status decides whether the message was accepted.
      await answer.body.dump({ limit: IGNORED_BYTES, signal }).catch(() => undefined);
      return answer.statusCode;
    },
    async close() {
      await Promise.all([...dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
    },
  };
}
