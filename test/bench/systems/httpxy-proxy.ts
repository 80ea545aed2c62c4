import { Agent, createServer } from 'node:http';
import { createProxyServer } from 'http-proxy';
import { announceServer } from './lifeline.ts';

/*
 * The other bare engine: the http-proxy line with a keep-alive agent.
 */

const agent = new Agent({ keepAlive: true, maxSockets: 128 });
const proxy = createProxyServer({ target: process.argv[2] ?? '', agent });
const server = createServer({ keepAliveTimeout: 65_000 }, (req, res) => {
  proxy.web(req, res).catch(() => res.destroy());
});
await announceServer(server);
