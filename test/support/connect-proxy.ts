import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A proxy that makes tunnels, as companies have them before their way out. */
export interface ConnectProxy {
  /** With the credentials that it asks for. */
  readonly url: string;
  readonly port: number;
  /** `host:port` of every tunnel that was asked for. */
  readonly asked: readonly string[];
  /** Status with which it refuses from now on; `undefined` lets everybody through again. */
  refuse(status: number | undefined): void;
  close(): Promise<void>;
}

/**
 * Starts a proxy on loopback that knows the names of `hosts`, and the ports of this machine that they lead to. It wants
 * a user and a password.
 */
export async function startConnectProxy(hosts: Readonly<Record<string, number>>): Promise<ConnectProxy> {
  const asked: string[] = [];
  const open = new Set<Socket>();
  let refusal: number | undefined;
  const server = createServer((_req, res) => void res.writeHead(405).end());
  server.on('connect', (req, client: Socket) => {
    open.add(client.on('error', () => client.destroy()));
    const target = req.url ?? '';
    asked.push(target);
    const isKnown = req.headers['proxy-authorization'] === `Basic ${Buffer.from('gate:s3cret').toString('base64')}`;
    const port = hosts[target.replace(/:\d+$/, '')];
    const status = isKnown ? (refusal ?? (port === undefined ? 502 : undefined)) : 407;
    if (status !== undefined || port === undefined) {
      client.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const far = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.pipe(client).pipe(far);
    });
    open.add(far.on('error', () => client.destroy()));
    client.once('close', () => far.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://gate:s3cret@127.0.0.1:${port}`,
    port,
    asked,
    refuse: (status) => {
      refusal = status;
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
