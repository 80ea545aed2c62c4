import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { notePassed } from '../engine/spent-buffers.ts';
import { bodyOf } from './upload-body.ts';

/**
 * How long a client may keep its half of the connection open after its last answer, in milliseconds. During an upload:
 * how long it may be silent.
 */
const LINGER_MS = 2000;

/** How long, and for how many bytes, an unwanted upload is read after its answer. */
const READ_ON_MS = 60_000;
const READ_ON_BYTES = 64 * 1024 * 1024;

/** Largest unread body that is read to its end to keep the connection, in bytes. */
const READ_TO_KEEP_BYTES = 64 * 1024;

/**
 * Gives a client time to read its answer and close: closing first with unread data would reset the connection, and lose
 * the answer.
 */
export function linger(socket: Duplex): NodeJS.Timeout {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  return timer;
}

/**
 * Makes an answer the last one of its connection, for a client that may still be uploading after the answer. Many
 * clients send everything before they read. Closing a connection with unread data resets it, and the answer is lost. So
 * only our half is closed after the answer, and the upload is read and dropped to its end, within bounds.
 */
export function answerBeforeUploadEnds(req: IncomingMessage, res: ServerResponse): void {
  res.shouldKeepAlive = false;
  afterAnswer(req.socket, () => {
    if (req.complete) closeWhenWritten(req.socket);
    else dropUpload(req);
  });
}

/** The same where the upload is not wanted: it is dropped from now on. */
export function answerInsteadOfUpload(req: IncomingMessage, res: ServerResponse): void {
  res.shouldKeepAlive = false;
  afterAnswer(req.socket, () => {
    if (req.complete) closeWhenWritten(req.socket);
  });
  dropUpload(req);
}

/**
 * Handles a body that will not be read, before the answer is written. A short one is read and dropped, which keeps the
 * connection. A long one is not waited for: the answer is the last one of its connection, and what still arrives is
 * dropped within bounds.
 */
export function discardBody(req: IncomingMessage, res: ServerResponse): void {
  if (req.complete || bodyOf(req) === undefined) return;
  const length = Number(req.headers['content-length']);
  if (length <= READ_TO_KEEP_BYTES) return; // node reads the rest by itself once the answer is out
  answerInsteadOfUpload(req, res);
}

/** Closes only our half after the last answer. Node would close both, by this method of the socket. */
function afterAnswer(socket: Socket, then: () => void): void {
  // A stream of HTTP/2 has no such method, and no connection of its own to close.
  if (!('destroySoon' in socket)) return;
  socket.destroySoon = () => {
    socket.end();
    then();
  };
}

function dropUpload(req: IncomingMessage): void {
  const { socket } = req;
  const silence = linger(socket);
  const whole = setTimeout(() => socket.destroy(), READ_ON_MS);
  whole.unref();
  socket.once('close', () => clearTimeout(whole));
  let bytes = 0;
  req.on('data', (chunk: Buffer) => {
    notePassed(chunk.length);
    bytes += chunk.length;
    if (bytes > READ_ON_BYTES) socket.destroy();
    else silence.refresh();
  });
  req.once('end', () => {
    if (socket.writableEnded) closeWhenWritten(socket);
  });
}

function closeWhenWritten(socket: Socket): void {
  if (socket.writableFinished) socket.destroy();
  else socket.once('finish', () => socket.destroy());
}
