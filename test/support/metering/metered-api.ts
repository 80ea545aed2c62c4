import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that an API of the tests received. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** An API whose answers a test gives. */
export interface MeteredApi {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** What the next requests are answered by. */
  answer: (response: ServerResponse, request: SeenRequest) => void;
  close(): Promise<void>;
}

/** Starts an API that answers as its test says. */
export async function startMeteredApi(): Promise<MeteredApi> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const one = { path: request.url ?? '', headers: request.headers, body };
      seen.push(one);
      api.answer(response, one);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const api: MeteredApi = {
    url: `http://127.0.0.1:${port}`,
    seen,
    answer: (response) => void response.writeHead(500).end(),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return api;
}
