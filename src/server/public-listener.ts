import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ERROR_CODES, type ErrorCode } from '../domain/gateway-error.ts';
import type { Services } from '../pipeline/runtime.ts';
import { serve } from '../pipeline/serve.ts';
import { serveUpgrade } from '../pipeline/serve-upgrade.ts';

/** How long a client may take to send its request head, in milliseconds. */
const HEAD_TIMEOUT_MS = 20_000;
/** How long an idle connection is kept, in milliseconds: longer than the usual load balancer's 60 s. */
const KEEP_ALIVE_MS = 65_000;

/** Creates the public HTTP server; it is not listening yet. */
export function createPublicListener(services: Services, maxHeaderSize: number): Server {
  const server = createServer({
    maxHeaderSize,
    headersTimeout: HEAD_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // An upload may take as long as it flows; a bound on the whole request would cut honest slow clients off.
    requestTimeout: 0,
    noDelay: true,
    insecureHTTPParser: false,
  });
  const onRequest = (req: IncomingMessage, res: ServerResponse): void => void serve(req, res, services);
  server.on('request', onRequest);
  // The body is asked for when an upstream wants it: an unpaid request gets its 402 instead of a 100.
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', (req: IncomingMessage, res: ServerResponse) => {
    req.resume();
    res.writeHead(417, {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      Connection: 'close',
    });
    res.end(problem('expectation_failed'));
  });
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isSocket(socket)) void serveUpgrade(req, socket, head, services);
    else socket.destroy();
  });
  server.on('connect', (_req: IncomingMessage, socket: Duplex) => {
    socket.end(rawAnswer(405, 'Method Not Allowed', 'method_not_allowed'));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => answerUnreadable(error, socket));
  return server;
}

/** What cannot be parsed gets an answer without a request to answer: the parser's verdict, then the end. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      socket.end(rawAnswer(431, 'Request Header Fields Too Large', 'request_head_too_large'));
      return;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      socket.end(rawAnswer(408, 'Request Timeout', 'request_timeout'));
      return;
    default:
      socket.end(rawAnswer(400, 'Bad Request', 'request_malformed'));
  }
}

function rawAnswer(status: number, statusText: string, code: ErrorCode): string {
  const body = problem(code);
  return [
    `HTTP/1.1 ${status} ${statusText}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

function problem(code: ErrorCode): string {
  const { title, status } = ERROR_CODES[code];
  return JSON.stringify({ type: 'about:blank', title, status, code });
}

function isSocket(socket: Duplex): socket is Socket {
  return 'remoteAddress' in socket;
}
