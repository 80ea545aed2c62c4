import { createServer, type ServerResponse } from 'node:http';
import { type Dispatcher, Pool } from 'undici';
import { announceServer } from './lifeline.ts';

/*
 * The bare engine: undici's dispatcher with a raw handler behind node:http. It forwards and does nothing else: no
 * matching, no header rules, no backpressure, no log. What the gateway adds to this is the gateway's cost.
 */

const pool = new Pool(process.argv[2] ?? '', { connections: 128, pipelining: 1 });

class Relay implements Dispatcher.DispatchHandler {
  readonly #res: ServerResponse;

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  onRequestStart(): void {}

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const raw = controller.rawHeaders;
    const headers: string[] = [];
    for (let i = 0; Array.isArray(raw) && i + 1 < raw.length; i += 2) {
      const name = String(raw[i]);
      if (name.toLowerCase() !== 'connection') headers.push(name, String(raw[i + 1]));
    }
    this.#res.writeHead(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#res.write(chunk);
  }

  onResponseEnd(): void {
    this.#res.end();
  }

  onResponseError(): void {
    this.#res.destroy();
  }
}

const server = createServer({ keepAliveTimeout: 65_000 }, (req, res) => {
  const headers = req.rawHeaders.filter((_, index, all) => !/^(?:host|connection)$/i.test(all[index & ~1] ?? ''));
  pool.dispatch({ method: req.method ?? 'GET', path: req.url ?? '/', headers }, new Relay(res));
});
await announceServer(server);
