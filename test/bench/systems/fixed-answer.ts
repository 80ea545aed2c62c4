import { createServer } from 'node:http';
import { announceServer } from './lifeline.ts';

/*
 * node:http giving one answer from argv to every request: status, flat header list as JSON, body, milliseconds before it.
 * What any answer costs that needs no upstream.
 */

const [, , status = '200', headerJson = '[]', body = '', delayMs = '0'] = process.argv;
const headers: string[] = JSON.parse(headerJson);
const server = createServer({ keepAliveTimeout: 65_000 }, (_req, res) => {
  const answer = (): void => {
    res.writeHead(Number(status), headers);
    res.end(body);
  };
  if (delayMs === '0') answer();
  else setTimeout(answer, Number(delayMs));
});
await announceServer(server);
