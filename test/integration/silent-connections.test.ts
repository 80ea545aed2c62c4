import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { connectOverTls, TLS_SETTING } from '../support/tls-clients.ts';
import { startUpstream } from '../support/upstream.ts';

/** Far below `drainTimeout`, and above what a new connection may be silent. */
const SOON_MS = 10_000;

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Started {
  readonly gateway: TestGateway;
  readonly port: number;
  /** Answers of the API that have not begun. */
  readonly waiting: readonly ServerResponse[];
}

const BEHIND_BALANCER = 'trustedProxies: [127.0.0.0/8]\nproxyProtocol: true\n';
const PROXY_HEADER = 'PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n';

/** Connections are read in the order of their bytes: once a later one has its answer, the earlier ones were read. */
async function gatewayHasRead(port: number): Promise<void> {
  const socket = await silent(port);
  socket.end(`${PROXY_HEADER}GET /../.. HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n`);
  await once(socket, 'end');
}

async function started(settings = ''): Promise<Started> {
  const waiting: ServerResponse[] = [];
  const upstream = await startUpstream((_req, res) => void waiting.push(res));
  open.push(() => upstream.close());
  const gateway = await startTestGateway(
    `upstream: ${upstream.url}\nstore: memory\ndrainTimeout: 60s\n${settings}routes: [{ path: /*, price: free }]\n`,
  );
  open.push(() => gateway.close(0));
  return { gateway, port: Number(new URL(gateway.url).port), waiting };
}

function kept(socket: Socket): Socket {
  open.push(() => socket.destroy());
  return socket.on('error', () => undefined);
}

async function silent(port: number): Promise<Socket> {
  const socket = kept(connect(port, '127.0.0.1'));
  await once(socket, 'connect');
  socket.resume();
  return socket;
}

/**
 * When the system asks for the other end of a connection next, in milliseconds, as Linux tells it (`proc_pid_net`);
 * `undefined` where it never does.
 */
function nextProbeMs(serverPort: number, { localPort = 0 }: Socket): number | undefined {
  const [from, to] = [serverPort, localPort].map((port) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`);
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  const fields = lines.map((line) => line.trim().split(/\s+/));
  const [, , , , , timer = ''] =
    fields.find(([, near, far]) => near?.endsWith(`${from}`) && far?.endsWith(`${to}`)) ?? [];
  const [kind, hundredths = ''] = timer.split(':');
  return kind === '02' ? Number.parseInt(hundredths, 16) * 10 : undefined;
}

describe.runIf(process.platform === 'linux')('a client that waits for a silent answer', () => {
  it.each([
    ['HTTP', ''],
    ['TLS', TLS_SETTING],
  ])('is asked for by the system within a minute over %s: it may have lost its network', async (_name, tls) => {
    const { port, waiting } = await started(`${tls}\n`);
    const socket = await silent(port);
    const speaking = tls === '' ? socket : kept(await connectOverTls(port, 'http/1.1', socket));
    speaking.write('GET /events HTTP/1.1\r\nHost: gw\r\n\r\n');
    await expect.poll(() => waiting.length).toBe(1);
    await expect.poll(() => nextProbeMs(port, socket)).toBeGreaterThan(0);
    expect(nextProbeMs(port, socket)).toBeLessThanOrEqual(60_000);
  });
});

describe('a shutdown', () => {
  it(
    'does not wait for connections that were opened ahead, as browsers and load balancers do',
    { timeout: SOON_MS },
    async () => {
      const { gateway, port } = await started();
      const socket = await silent(port);
      await Promise.all([gateway.close(), once(socket, 'close')]);
      expect(socket.bytesRead).toBe(0);
    },
  );

  it(
    'does not wait for them over TLS, whether their handshake is done or has not begun',
    { timeout: SOON_MS },
    async () => {
      const { gateway, port } = await started(`${TLS_SETTING}\n`);
      const secured = kept(await connectOverTls(port, 'http/1.1'));
      secured.resume();
      const begun = await silent(port);
      await Promise.all([gateway.close(), once(secured, 'close'), once(begun, 'close')]);
      expect(begun.bytesRead).toBe(0);
    },
  );

  it(
    'does not wait for them behind a balancer that says first where they come from',
    { timeout: SOON_MS },
    async () => {
      const { gateway, port } = await started(BEHIND_BALANCER);
      const socket = await silent(port);
      socket.write(PROXY_HEADER);
      await gatewayHasRead(port);
      await Promise.all([gateway.close(), once(socket, 'close')]);
      expect(socket.bytesRead).toBe(0);
    },
  );

  it('waits for a request that a balancer sent in one packet with that', { timeout: SOON_MS }, async () => {
    const { gateway, port, waiting } = await started(BEHIND_BALANCER);
    const socket = await silent(port);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    // The first byte of a request has arrived, and the others come when a silent connection would have been cut.
    socket.write(`${PROXY_HEADER}G`);
    const closing = gateway.close();
    const closed = once(socket, 'close');
    expect(await Promise.race([closed.then(() => 'cut'), stillOpenAfter(3000)])).toBe('open');
    socket.write('ET /slow HTTP/1.1\r\nHost: gw\r\n\r\n');
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    waiting[0]?.end('at last');
    await Promise.all([closing, closed]);
    expect(answer).toContain('at last');
  });

  it('waits for a request that was sent, however long its answer takes', { timeout: SOON_MS }, async () => {
    const { gateway, port, waiting } = await started();
    const socket = await silent(port);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    socket.write('GET /slow HTTP/1.1\r\nHost: gw\r\n\r\n');
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    const closing = gateway.close();
    const closed = once(socket, 'close');
    const ahead = await Promise.race([closed.then(() => 'cut'), stillOpenAfter(3000)]);
    expect(ahead).toBe('open');
    waiting[0]?.end('at last');
    await Promise.all([closing, closed]);
    expect(answer).toContain('at last');
  });
});

async function stillOpenAfter(ms: number): Promise<'open'> {
  return await new Promise((resolve) => setTimeout(() => resolve('open'), ms));
}
