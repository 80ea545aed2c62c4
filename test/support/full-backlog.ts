import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A server that answers every request, in a process of its own, and that waits to be let go on. */
const SERVER = `
  const server = require('node:http').createServer((_req, res) => res.end('ok'));
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));
`;
/** More than a system lets wait at a backlog of one. */
const WAITING = 6;

/** A server on 127.0.0.1 whose system drops the packets of new connections, as a lossy way does, until `accept`. */
export interface FullBacklog {
  readonly port: number;
  /** Takes connections from now on. */
  accept(): void;
  close(): void;
}

/** Opens a {@link FullBacklog}. */
export async function openFullBacklog(): Promise<FullBacklog> {
  const server: ChildProcess = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (server.stdout === null) throw new Error('no output');
  const [said] = await once(server.stdout, 'data');
  const port = Number(said);
  server.kill('SIGSTOP');
  const waiting: Socket[] = [];
  for (let i = 0; i < WAITING; i++) waiting.push(connect(port, '127.0.0.1').on('error', () => undefined));
  await once(waiting[0] ?? server, 'connect');
  return {
    port,
    accept: () => void server.kill('SIGCONT'),
    close() {
      for (const socket of waiting) socket.destroy();
      server.kill('SIGKILL');
    },
  };
}
