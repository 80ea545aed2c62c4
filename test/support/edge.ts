import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What clients reach a gateway by. */
export interface TestEdge {
  /** Known before the gateway is started, which names it. */
  readonly url: string;
  close(): void;
}

/** Starts a server that passes GET requests on to a gateway. @param target where that is, by the time of the first request */
export async function startEdge(target: () => string): Promise<TestEdge> {
  const server = createServer(async (request, response) => {
    const answer = await fetch(`${target()}${request.url}`);
    response.statusCode = answer.status;
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
