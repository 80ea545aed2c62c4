import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A way to a chain's node on which answers get lost: the node has done what it was asked, and nobody hears of it. */
export interface LossyNode {
  readonly url: string;
  /** Methods whose answers are lost from now on. */
  lose(...methods: readonly string[]): void;
  /** How many answers were lost. */
  readonly lost: number;
  close(): Promise<void>;
}

/** Opens a way to the node at a URL on which nothing is lost yet. */
export async function openLossyNode(nodeUrl: string): Promise<LossyNode> {
  let losing: readonly string[] = [];
  let lost = 0;
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const answer = await fetch(nodeUrl, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    const answerText = await answer.text();
    if (losing.some((method) => body.includes(`"${method}"`))) {
      lost += 1;
      response.destroy();
      return;
    }
    response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(answerText);
  };
  const server = createServer((request, response) => void pass(request, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    lose(...methods) {
      losing = methods;
    },
    get lost() {
      return lost;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
