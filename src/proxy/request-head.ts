import type { IncomingMessage } from 'node:http';
import type { RequestHead } from '../domain/request-head.ts';
import { plainAddress } from './trusted-peers.ts';

/** The head of a request that a server received. */
export function readRequestHead(req: IncomingMessage): RequestHead {
  const { method = '', url: target = '', rawHeaders, headers, httpVersionMajor, httpVersionMinor, socket } = req;
  const encrypted = 'encrypted' in socket && socket.encrypted === true;
  return {
    method,
    target,
    rawHeaders,
    headers,
    httpVersionMajor,
    httpVersionMinor,
    peer: plainAddress(socket.remoteAddress),
    encrypted,
  };
}
