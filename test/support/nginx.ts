import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** An nginx with one worker. */
export interface Nginx {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** The nginx of this machine, or `undefined`. */
export function findNginx(): string | undefined {
  return ['nginx', '/usr/sbin/nginx'].find((path) => spawnSync(path, ['-v']).status === 0);
}

/** Starts nginx on a loopback port, a free one by default. `http` writes what stands in the `http` block for that port. */
export async function startNginx(executable: string, http: (port: number) => string, wanted?: number): Promise<Nginx> {
  const port = wanted ?? (await freePort());
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-nginx-'));
  const file = join(folder, 'nginx.conf');
  await writeFile(file, configuration(folder, http(port)));
  const child = spawn(executable, ['-p', folder, '-e', 'stderr', '-c', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const gone = once(child, 'exit');
  // Also on a fault of this process: an nginx that outlives the run would disturb the next one.
  const kill = (): void => void child.kill('SIGTERM');
  process.once('exit', kill);
  await listening(port);
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      process.off('exit', kill);
      kill();
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A `server` that forwards everything to `origin` over kept-alive connections. */
export function proxyServer(port: number, origin: string): string {
  return `upstream api { server ${origin.replace('http://', '')}; keepalive 128; keepalive_requests 1000000000; }
    server { listen 127.0.0.1:${port}; location / {
      proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; } }`;
}

function configuration(folder: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder};`);
  return `daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr error;
    events { worker_connections 4096; }
    http { access_log off; keepalive_timeout 65s; keepalive_requests 1000000000; ${temporary.join(' ')} ${http} }`;
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await delay(50);
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`nginx does not listen on port ${port}`);
}
