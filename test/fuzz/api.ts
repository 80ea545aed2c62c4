import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { judge, type Sight } from './judge.ts';
import type { Violations } from './violations.ts';
import type { Wallet } from './wallet.ts';

/** The API behind the gateway: it answers everything, and checks every request. */
export interface FuzzApi {
  readonly url: string;
  readonly counts: { free: number; paid: number };
  close(): Promise<void>;
}

/** A path whose answer is a gibibyte long. */
export const ENDLESS = '/free/endless';

function* zeros(): Generator<Buffer> {
  const piece = Buffer.alloc(64 * 1024);
  for (let left = 16 * 1024; left > 0; left -= 1) yield piece;
}

/** What the API answers when the request does not ask for its body back. */
export const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** Starts the API. It repeats bodies and frames, and names the payer of what was paid. */
export async function startFuzzApi(wallet: () => Wallet, violations: Violations): Promise<FuzzApi> {
  const counts = { free: 0, paid: 0 };
  const tunnels = new Set<Socket>();
  const look = (req: IncomingMessage): string | undefined => {
    const sight: Sight = { method: req.method ?? '', url: req.url ?? '', rawHeaders: req.rawHeaders };
    const { payer, wrong } = judge(sight, wallet());
    const caseId = req.headers['x-case'];
    for (const each of wrong) {
      violations.add(each, `${sight.method} ${sight.url}\n${sight.rawHeaders.join('\n')}`, String(caseId));
    }
    if (payer === undefined) counts.free += 1;
    else counts.paid += 1;
    return payer;
  };
  // A hostile request may hold anything: this parser must not drop what the checks have to see.
  const server = createServer({ maxHeaderSize: 256 * 1024 }, (req, res) => {
    const payer = look(req);
    if (req.url === ENDLESS)
      return void Readable.from(zeros())
        .pipe(res)
        .on('close', () => res.destroy());
    res.setHeader('X-Served', payer ?? 'free');
    res.write(payer === undefined ? `free ${req.method} ${req.url}\n` : `sold to ${payer}\n`);
    req.pipe(res);
    req.on('error', () => res.destroy());
  });
  server.on('upgrade', (req: IncomingMessage, socket: Socket) => {
    look(req);
    tunnels.add(socket);
    socket.once('close', () => tunnels.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.write(SWITCHING);
    socket.pipe(socket);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // A connection that the gateway closes is no malformed request.
    if (error.code?.startsWith('HPE_') === true && error.code !== 'HPE_INVALID_EOF_STATE') {
      violations.add('malformed request at the API', `${error.code}: ${error.message}`);
    }
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    counts,
    async close() {
      for (const socket of tunnels) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
