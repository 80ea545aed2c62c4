import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePayment } from '../support/payment-header.ts';
import { lastRequest, laySiege, paying, type Siege, statusOf } from './siege.ts';

/** A small message can decompress to a huge one. The gateway never decompresses: that is left to the client and the API. */

const BOMB = Buffer.alloc(20 * 1024 * 1024);
const PACKED = {
  gzip: gzipSync(BOMB),
  deflate: deflateSync(BOMB),
  br: brotliCompressSync(BOMB),
  zstd: zstdCompressSync(BOMB),
  'gzip, gzip': gzipSync(gzipSync(BOMB)),
} as const;
type Coding = keyof typeof PACKED;
const CODINGS = Object.keys(PACKED) as Coding[];

let siege: Siege;

beforeAll(async () => {
  siege = await laySiege(`
routes:
  - { path: /free, price: free }
  - { path: /after, price: $0.01 }
  - { path: /kept, methods: [POST], price: $0.01, settle: before, keepAnswers: { size: 64KB } }
`);
});
afterAll(async () => await siege.close());

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe.each(CODINGS)('a decompression bomb in %s', (coding) => {
  const packed = PACKED[coding];

  it('arrives at the API as it was sent', async () => {
    siege.answer((req, res) => {
      const seen: Buffer[] = [];
      req.on('data', (chunk: Buffer) => seen.push(chunk));
      req.on('end', () => res.end(`${req.headers['content-encoding']} ${hash(Buffer.concat(seen))}`));
    });
    for (const path of ['/free', '/after']) {
      const payment = path === '/free' ? [] : [paying(await siege.sign(path, { method: 'POST' }))];
      const head = [`Content-Encoding: ${coding}`, `Content-Length: ${packed.length}`, ...payment];
      const response = await siege.ask(lastRequest(`POST ${path}`, head, packed.toString('latin1')));
      expect(statusOf(response)).toBe(200);
      expect(response.body.toString('latin1')).toContain(`${coding} ${hash(packed)}`);
    }
  });

  it('arrives at the client as the API sent it, also where answers are kept', async () => {
    siege.answer((req, res) => {
      res.writeHead(200, { 'Content-Encoding': coding, 'Content-Length': packed.length });
      req.on('end', () => res.end(packed));
    });
    for (const line of ['GET /free', 'GET /after', 'POST /kept']) {
      const [method = '', path = ''] = line.split(' ');
      const payment = path === '/free' ? [] : [paying(await siege.sign(path, { method }))];
      const response = await siege.ask(lastRequest(line, ['Content-Length: 0', ...payment]));
      expect(statusOf(response)).toBe(200);
      expect(response.all('content-encoding')).toEqual([coding]);
      expect(hash(response.body)).toBe(hash(packed));
    }
  });
});

it('a compressed payment header is refused without decompression', async () => {
  const header = encodePayment(await siege.sign('/after'));
  for (const pack of [gzipSync, deflateSync, brotliCompressSync]) {
    const packed = pack(Buffer.from(header, 'base64')).toString('base64');
    expect(statusOf(await siege.ask(lastRequest('GET /after', [paying(packed)])))).toBe(400);
  }
});

it('a compressed answer of a facilitator is not decompressed', async () => {
  const bomb = gzipSync(BOMB);
  const headers = { 'content-encoding': 'gzip' };
  siege.facilitator?.next('verify', { kind: 'say', text: bomb.toString('latin1'), headers });
  const answered = siege.facilitator?.arrived('verify') ?? once(new EventTarget(), 'never');
  const response = await siege.ask(lastRequest('GET /after', [paying(await siege.sign('/after'))]));
  await answered;
  expect(statusOf(response)).toBe(503);
});
