import { createServer } from 'node:http';
import { FACILITATOR_ANSWERS } from '../world.ts';
import { announceServer } from './lifeline.ts';

/*
 * A facilitator that agrees to everything: at once, for machines without nginx, or after the milliseconds in argv.
 */

const [, , delayMs = '0'] = process.argv;

const answers = new Map(Object.entries(FACILITATOR_ANSWERS));
const server = createServer({ keepAliveTimeout: 65_000 }, (req, res) => {
  req.resume();
  const body = answers.get(req.url ?? '') ?? '{}';
  const answer = (): void => {
    res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) });
    res.end(body);
  };
  if (delayMs === '0' || req.url === '/supported') answer();
  else setTimeout(answer, Number(delayMs));
});
await announceServer(server);
