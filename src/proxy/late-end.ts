import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/**
 * Makes connections end after their answers.
 *
 * An answer that waits, for the money to move or for a slow client, keeps undici's parser paused. undici 7 does not
 * expect its connection to end meanwhile: an assertion fails that cannot be caught, and ends the process with all its
 * requests (nodejs/undici#5360, fixed in undici 8 only, which needs a newer Node than ours). Until the parser goes on,
 * the connection must not report its end, and undici must not infer the end from a reset.
 */
export function withLateEnd(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...outcome) => {
      const [fault, socket] = outcome;
      if (fault === null) endLate(socket);
      callback(...outcome);
    });
}

function endLate(socket: Socket): void {
  const { push, read } = socket;
  let over = false;
  socket.push = (chunk, encoding) => {
    over ||= chunk === null;
    return push.call(socket, chunk, encoding);
  };
  // A stream reports its end when more is read than is there. Node does so once at the end, without need. The parser
  // does so until it gets nothing or is paused: if each read is limited to what is there, a paused parser does not
  // learn of the end. A larger request would also raise the high-water mark.
  socket.read = (size) => {
    if (size === 0 && over) return null;
    const there = Math.min(socket.readableLength, socket.readableHighWaterMark);
    return read.call(socket, size ?? (there === 0 ? undefined : there));
  };
  // undici takes a reset for the end of an answer without a length, although it may be a cut: like any other fault of
  // the connection, it must break the answer off.
  socket.once('error', (fault: NodeJS.ErrnoException) => {
    if (fault.code === 'ECONNRESET') fault.code = 'UND_ERR_SOCKET';
  });
}
