import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';

/** How often a connection is read while a write to it waits, in milliseconds. */
const LOOK_MS = 250;

/** Node's own object below a connection. */
interface Handle {
  /** Bytes that the system has not taken yet. */
  readonly writeQueueSize: number;
  /** Bytes of all writes that were begun. */
  readonly bytesWritten: number;
  readonly bytesRead: number;
  readStart(): unknown;
  readStop(): unknown;
}

/** The parts that {@link noticeDepartures} needs. */
export interface WatchedConnection {
  readonly session: Pick<ServerHttp2Session, 'on'>;
  readonly socket: Pick<TLSSocket, 'destroyed'>;
  /** Most bytes that are read while one write waits. One look can bring some more. */
  readonly mostBytes: number;
}

/**
 * Notices a client that leaves, or resets a request, while it does not take what is sent to it.
 *
 * While a write waits, Node does not read an HTTP/2 connection: answers to its frames would pile up (CVE-2019-9514). It
 * also loses the error of such a write, when the next write follows. Here the connection is read for one turn of the
 * event loop at a time, within a bound: Node keeps what it has read of bodies until the write is over.
 */
export function noticeDepartures({ session, socket, mostBytes }: WatchedConnection): void {
  let streams = 0;
  let timer: NodeJS.Timeout | undefined;
  let bytesWritten = -1;
  let readBefore = 0;
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  const look = (): void => {
    if (streams === 0) {
      stop();
      return;
    }
    const handle = handleOf(socket);
    if (handle === undefined || handle.writeQueueSize === 0) return;
    if (handle.bytesWritten !== bytesWritten) {
      ({ bytesWritten, bytesRead: readBefore } = handle);
    }
    if (handle.bytesRead - readBefore >= mostBytes) return;
    handle.readStart();
    setImmediate(() => {
      // Node reads again when the write is over, and would not know of a stop.
      if (handleOf(socket) === handle && handle.writeQueueSize > 0) handle.readStop();
    });
  };
  session.on('stream', (stream) => {
    if (stream.destroyed) return;
    streams += 1;
    stream.once('close', () => {
      streams -= 1;
    });
    timer ??= setInterval(look, LOOK_MS).unref();
  });
  session.on('close', stop);
}

function handleOf(socket: Pick<TLSSocket, 'destroyed'>): Handle | undefined {
  if (socket.destroyed || !('_handle' in socket)) return undefined;
  return (socket._handle as Handle | null) ?? undefined;
}
