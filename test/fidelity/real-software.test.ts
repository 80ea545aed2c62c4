import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { EventSource, WebSocket as WebSocketWithHeaders } from 'undici';
import { generatePrivateKey } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type WebSocket as Line, WebSocketServer } from 'ws';
import { stockFetch } from '../support/buyer.ts';
import { openScene, type Scene } from './scene.ts';

/** Unchanged programs that know nothing of payments: servers behind the gateway and clients in front of it. */

const hasCurl = spawnSync('curl', ['--version']).status === 0;
const hasPython = spawnSync('python3', ['--version']).status === 0;
const noCurl = hasCurl ? '' : ' (skipped: there is no curl on this machine)';
const noPython = hasPython ? '' : ' (skipped: there is no python3 on this machine)';

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a chat over WebSocket', () => {
  let server: Server;
  let chat: WebSocketServer;
  let scene: Scene;
  let opened = 0;

  beforeAll(async () => {
    server = createServer();
    chat = new WebSocketServer({ server, handleProtocols: () => 'chat' });
    chat.on('connection', (line: Line) => {
      opened += 1;
      line.on('message', (message: Buffer, isBinary) => {
        for (const each of chat.clients) each.send(message, { binary: isBinary });
      });
    });
    scene = await openScene(await listening(server));
  });
  afterAll(async () => {
    await scene.close();
    chat.close();
    server.close();
  });

  it('carries what two clients say to each other, with its subprotocol, of any length, and the way it is closed', async () => {
    const url = `${scene.gateway.url.replace('http', 'ws')}/free/chat`;
    const [one, other] = [new WebSocket(url, ['chat']), new WebSocket(url, ['chat'])];
    await Promise.all([once(one, 'open'), once(other, 'open')]);
    expect(one.protocol).toBe('chat');
    for (const text of ['hello', 'ä'.repeat(70_000), '']) {
      const heard = once(other, 'message');
      one.send(text);
      expect((await heard)[0].data).toBe(text);
    }
    const heard = once(one, 'message');
    other.binaryType = 'arraybuffer';
    other.send(new Uint8Array([0, 255, 10]));
    expect((await heard)[0].data.size).toBe(3);
    const closed = once(one, 'close');
    one.close(4001, 'enough');
    expect((await closed)[0].code).toBe(4001);
    other.close();
    await once(other, 'close');
  });

  it('is not opened on a priced route before it was paid for', async () => {
    const before = opened;
    const line = new WebSocket(`${scene.gateway.url.replace('http', 'ws')}/after/chat`);
    await once(line, 'error');
    expect(opened).toBe(before);
  });

  it('is opened on a priced route by its payment', async () => {
    const { header } = await scene.pay('/after/chat');
    const payment = header.slice('PAYMENT-SIGNATURE: '.length);
    const line = new WebSocketWithHeaders(`${scene.gateway.url.replace('http', 'ws')}/after/chat`, {
      headers: { 'PAYMENT-SIGNATURE': payment },
    });
    await new Promise<void>((resolve) => line.addEventListener('open', () => resolve()));
    const heard = new Promise((resolve) => line.addEventListener('message', ({ data }) => resolve(data)));
    line.send('paid for');
    expect(await heard).toBe('paid for');
    const closed = new Promise((resolve) => line.addEventListener('close', resolve));
    line.close();
    await closed;
  });
});

describe('a stream of events', () => {
  let server: Server;
  let scene: Scene;

  beforeAll(async () => {
    server = createServer((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      for (let id = 1; id <= 3; id++) res.write(`id: ${id}\nevent: tick\ndata: ${'x'.repeat(id * 1000)}\n\n`);
      // Stays open, as event streams do.
    });
    scene = await openScene(await listening(server));
  });
  afterAll(async () => {
    server.closeAllConnections();
    await scene.close();
    server.close();
  });

  it('reaches an EventSource while it is still open', async () => {
    const source = new EventSource(`${scene.gateway.url}/free/events`);
    const lengths: number[] = [];
    await new Promise<void>((resolve) => {
      source.addEventListener('tick', (event) => {
        if ('data' in event && typeof event.data === 'string') lengths.push(event.data.length);
        if (lengths.length === 3) resolve();
      });
    });
    source.close();
    expect(lengths).toEqual([1000, 2000, 3000]);
  });

  it('reaches a stock buyer while it is still open', async () => {
    const response = await stockFetch(generatePrivateKey())(`${scene.gateway.url}/after/events`);
    expect(response.status).toBe(200);
    expect(response.headers.get('payment-response')).not.toBeNull();
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.endsWith(`${'x'.repeat(3000)}\n\n`)) break;
    }
    expect(text.match(/event: tick/g)).toHaveLength(3);
  });
});

describe.skipIf(!hasPython)(`Python's http.server${noPython}`, () => {
  let folder: string;
  let python: ChildProcess;
  let scene: Scene;
  const page = 'served as it is, by HTTP/1.0\n'.repeat(3000);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'turnpike-python-'));
    for (const name of ['free', 'after']) await writeFile(join(folder, name), page);
    python = spawn('python3', ['-u', '-m', 'http.server', '0', '--bind', '127.0.0.1', '-d', folder], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    if (python.stdout === null) throw new Error('no output');
    const [line] = await once(createInterface({ input: python.stdout }), 'line');
    const port = /port (\d+)/.exec(String(line))?.[1];
    scene = await openScene(`http://127.0.0.1:${port}`);
  });
  afterAll(async () => {
    const gone = once(python, 'exit');
    python.kill();
    await gone;
    await scene.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('serves its files free', async () => {
    const response = await fetch(`${scene.gateway.url}/free`);
    expect(response.headers.get('server')).toMatch(/^SimpleHTTP/);
    expect(await response.text()).toBe(page);
    const again = await fetch(`${scene.gateway.url}/free`, {
      headers: { 'If-Modified-Since': response.headers.get('last-modified') ?? '' },
    });
    expect(again.status).toBe(304);
  });

  it('serves its files for payment, and its errors free', async () => {
    const buyer = stockFetch(generatePrivateKey());
    const response = await buyer(`${scene.gateway.url}/after`);
    expect(await response.text()).toBe(page);
    expect(response.headers.get('payment-response')).not.toBeNull();
    const missing = await buyer(`${scene.gateway.url}/after/missing`);
    expect(missing.status).toBe(404);
    expect(missing.headers.get('payment-response')).toBeNull();
  });
});

describe.skipIf(!hasCurl)(`an upload by curl that expects to be asked for it${noCurl}`, () => {
  const body = Buffer.alloc(3 * 1024 * 1024, 'upload ');
  let folder: string;
  let server: Server;
  let scene: Scene;
  let arrived = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'turnpike-curl-'));
    await writeFile(join(folder, 'body'), body);
    server = createServer((req, res) => {
      req.on('data', (chunk: Buffer) => {
        arrived += chunk.length;
      });
      req.on('end', () => res.end('taken'));
    });
    scene = await openScene(await listening(server));
  });
  afterAll(async () => {
    server.closeAllConnections();
    await scene.close();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Status and bytes sent, as curl counts them; it would wait a minute before it sent its body unasked. */
  async function curl(
    path: string,
    ...more: readonly string[]
  ): Promise<{ status: string; sent: number; said: string }> {
    const out = join(folder, 'out');
    const patient = ['-sS', '-H', 'Expect: 100-continue', '--expect100-timeout', '60', '-T', join(folder, 'body')];
    const told = ['-o', out, '-w', '%{http_code} %{size_upload}'];
    const child = spawn('curl', [...patient, ...told, ...more, scene.gateway.url + path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await once(child, 'close');
    const [status = '', sent] = text.split(' ');
    return { status, sent: Number(sent), said: await readFile(out, 'utf8') };
  }

  it('arrives whole on a free route', async () => {
    arrived = 0;
    expect(await curl('/free/upload')).toEqual({ status: '200', sent: body.length, said: 'taken' });
    expect(arrived).toBe(body.length);
  });

  it('is not sent at all before it was paid for', async () => {
    arrived = 0;
    expect(await curl('/after/upload')).toMatchObject({ status: '402', sent: 0 });
    expect(arrived).toBe(0);
  });

  it.each(['after', 'before'])('arrives whole with its payment, settled %s', async (route) => {
    arrived = 0;
    const { header } = await scene.pay(`/${route}/upload`);
    const outcome = await curl(`/${route}/upload`, '-H', header);
    expect(outcome).toEqual({ status: '200', sent: body.length, said: 'taken' });
    expect(arrived).toBe(body.length);
  });
});
