import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/**
 * Makes connections end after their answers.
 *
 * An answer that waits, for the money to move or for a slow client, keeps undici's parser paused. undici 7 does not expect
 * its connection to end meanwhile: an assertion fails where nobody can catch it, and the process with all its requests
 * is gone (nodejs/undici#5360, mended in undici 8 only, which needs a newer Node than ours). Until the parser goes on, the
 * connection must neither say that it has ended nor have that guessed from a reset.
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
  // Reading past what is there is what makes a stream say that it is over. Node itself does it once at the end, for
  // nothing. The parser does it until it gets nothing or is paused: as long as it gets no more than what is there, a
  // paused one has not heard of the end. Asking for more than the high-water mark would raise that.
  socket.read = (size) => {
    if (size === 0 && over) return null;
    const there = Math.min(socket.readableLength, socket.readableHighWaterMark);
    return read.call(socket, size ?? (there === 0 ? undefined : there));
  };
  // undici takes a reset for the end of an answer that has no other, although it may be a cut: as any other fault of the
  // connection it breaks the answer off.
  socket.once('error', (fault: NodeJS.ErrnoException) => {
    if (fault.code === 'ECONNRESET') fault.code = 'UND_ERR_SOCKET';
  });
}
