import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHead } from '../domain/request-head.ts';
import { answerInsteadOfUpload } from '../proxy/linger.ts';
import { bodyOf } from '../proxy/upload-body.ts';

/** Largest unread body that is read to its end to keep the connection, in bytes. */
const READ_TO_KEEP_BYTES = 64 * 1024;

/**
 * Whether the client holds its body back until it is asked for it. Only HTTP/1.1 clients can: an older one would read the
 * interim response as the answer.
 */
export function awaitsContinue({ headers, httpVersionMinor }: RequestHead): boolean {
  return httpVersionMinor > 0 && headers.expect?.toLowerCase() === '100-continue';
}

/**
 * Takes care of a body that nobody will read, before the answer is written. A short one is read and dropped, which
 * keeps the connection. A long one is not waited for: the answer is the last one of its connection, and what still
 * arrives is dropped within bounds.
 */
export function discardBody(req: IncomingMessage, res: ServerResponse): void {
  if (req.complete || bodyOf(req) === undefined) return;
  const length = Number(req.headers['content-length']);
  if (length <= READ_TO_KEEP_BYTES) return; // node reads the rest by itself once the answer is out
  answerInsteadOfUpload(req, res);
}
