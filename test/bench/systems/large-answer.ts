import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { announceServer } from './lifeline.ts';

/*
 * node:http answering every request with so many megabytes, the first of argv, as fast as they are taken.
 */

const BYTES = Number(process.argv[2]) * 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 'turnpike ');

function* chunks(): Generator<Buffer> {
  for (let sent = 0; sent < BYTES; sent += CHUNK.length) yield CHUNK;
}

const server = createServer((_req, res) => {
  res.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': String(BYTES) });
  // A client that goes away ends its own answer only.
  pipeline(Readable.from(chunks()), res).catch(() => res.destroy());
});
await announceServer(server);
