import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { UpstreamFault } from './cells.ts';
import { addressApart } from './faulty-facilitator.ts';

/** What a sound upstream answers. */
export const WHOLE_ANSWER = 'the whole of the answer';

/** An API that goes wrong, each path in its own way. */
export interface FaultyUpstream {
  /** Where requests for a path with this fault go. */
  urlOf(fault: UpstreamFault): string;
  /** Cuts the answer for a path off that was begun and is held back. */
  die(path: string): void;
  /** Is sound from now on. */
  recover(): Promise<void>;
  close(): Promise<void>;
}

/** Starts an upstream; `faults` says how each path goes wrong until it recovers. */
export async function startFaultyUpstream(faults: ReadonlyMap<string, UpstreamFault>): Promise<FaultyUpstream> {
  const dying = new Map<string, ServerResponse>();
  let recovered = false;
  const handle = (req: IncomingMessage, res: ServerResponse): void => {
    const path = req.url ?? '';
    const fault = recovered ? 'fine' : faults.get(path);
    req.resume();
    req.once('end', () => {
      if (fault === '500') res.writeHead(500, { 'content-type': 'text/plain' }).end('broken');
      else if (fault === 'fine') res.end(WHOLE_ANSWER);
      else {
        dying.set(path, res);
        res.writeHead(200, { 'content-length': String(WHOLE_ANSWER.length) });
        res.write(WHOLE_ANSWER.slice(0, 9));
      }
    });
  };
  const server = createServer(handle);
  const dead = createServer(handle);
  const apart = addressApart();
  const [port, deadPort] = [await listen(server, '127.0.0.1', 0), await listen(dead, apart, 0)];
  await close(dead);
  return {
    urlOf: (fault) => (fault === 'dead' ? `http://${apart}:${deadPort}` : `http://127.0.0.1:${port}`),
    die: (path) => dying.get(path)?.destroy(),
    async recover() {
      recovered = true;
      await listen(dead, apart, deadPort);
    },
    async close() {
      await Promise.all([server, dead].filter(({ listening }) => listening).map(close));
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
