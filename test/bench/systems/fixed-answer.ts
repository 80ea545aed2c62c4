import { createServer } from 'node:http';
import { announceServer } from './lifeline.ts';

/*
 * node:http giving one answer from argv to every request: status, flat header list as JSON, body. What any answer
 * costs that needs no upstream.
 */

const [, , status = '200', headerJson = '[]', body = ''] = process.argv;
const headers: string[] = JSON.parse(headerJson);
const server = createServer({ keepAliveTimeout: 65_000 }, (_req, res) => {
  res.writeHead(Number(status), headers);
  res.end(body);
});
await announceServer(server);
