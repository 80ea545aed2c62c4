import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the upstream saw of one request. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
}

/** An API that knows nothing of payments. */
export interface TestUpstream {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  close(): Promise<void>;
}

/**
 * Starts an API whose answers the handler gives; every request is recorded before.
 *
 * @param keepAliveTimeout how long it keeps a connection without a request, in milliseconds; 0 for as long as its client does
 */
export async function startUpstream(
  handler: (req: IncomingMessage, res: ServerResponse) => void = answerWithPath,
  keepAliveTimeout = 5_000,
): Promise<TestUpstream> {
  const seen: SeenRequest[] = [];
  const server = createServer({ keepAliveTimeout }, (req, res) => {
    seen.push({ method: req.method ?? '', url: req.url ?? '', rawHeaders: req.rawHeaders });
    handler(req, res);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function answerWithPath(req: IncomingMessage, res: ServerResponse): void {
  req.resume();
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify({ path: req.url }));
}
