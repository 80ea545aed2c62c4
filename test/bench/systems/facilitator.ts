import { createServer } from 'node:http';
import { FACILITATOR_ANSWERS } from '../world.ts';
import { announceServer } from './lifeline.ts';

/*
 * A facilitator that agrees at once to everything, for machines without nginx.
 */

const answers = new Map(Object.entries(FACILITATOR_ANSWERS));
const server = createServer({ keepAliveTimeout: 65_000 }, (req, res) => {
  req.resume();
  const body = answers.get(req.url ?? '') ?? '{}';
  res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) });
  res.end(body);
});
await announceServer(server);
