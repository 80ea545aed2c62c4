import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { freePort } from './free-port.ts';

/** A message as a receiver got it. */
export interface ReceivedMessage {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The bytes as they came. */
  readonly body: string;
  /** What the body says, once its signature was verified by the specification's own library. */
  readonly event: { readonly id: string; readonly type: string; readonly data: Readonly<Record<string, unknown>> };
}

/** A receiver of payment events. */
export interface Receiver {
  readonly url: string;
  readonly port: number;
  /** Every message so far, in the order of arrival. */
  readonly messages: readonly ReceivedMessage[];
  /** Resolves once there were so many messages. */
  received(count: number): Promise<readonly ReceivedMessage[]>;
  close(): Promise<void>;
}

/** What receivers of tests verify with. */
export const HOOK_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/**
 * Starts a receiver on loopback that refuses, by its own failure, what is not signed with {@link HOOK_SECRET}.
 *
 * @param answer what it does with each verified message, by its number from 1; default 204
 * @param port default: a free one
 */
export async function startReceiver(
  answer: (response: ServerResponse, number: number) => void = (response) => void response.writeHead(204).end(),
  port?: number,
): Promise<Receiver> {
  const messages: ReceivedMessage[] = [];
  const arrivals = new EventEmitter();
  const signed = new Webhook(HOOK_SECRET);
  const server = createServer(async (request, response) => {
    const body = await text(request);
    try {
      signed.verify(body, request.headers as Record<string, string>);
      const { headers, url: path = '' } = request;
      messages.push({ path, headers, body, event: JSON.parse(body) });
      answer(response, messages.length);
      arrivals.emit('message');
    } catch (fault) {
      arrivals.emit('error', fault);
    }
  });
  server.listen(port ?? (await freePort()), '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}/turnpike`,
    port: address.port,
    messages,
    async received(count) {
      while (messages.length < count) await once(arrivals, 'message');
      return messages;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
