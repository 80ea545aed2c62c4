import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBareGateway } from '../support/bare-gateway.ts';
import { upstreamAt } from '../support/odd-upstream.ts';

/** The web server of many Python APIs, which closes the connections that it keeps after a second. */

const hasGunicorn = spawnSync('gunicorn', ['--version']).status === 0;
const note = hasGunicorn ? '' : ' (skipped: there is no gunicorn on this machine)';

const APP = `
def app(environ, start_response):
    start_response('200 OK', [('Content-Length', '6')])
    return [b'served']
`;
const CLIENTS = 120;
const ROUNDS = 5;

describe.skipIf(!hasGunicorn)(`behind the gateway, gunicorn${note}`, () => {
  let folder: string;
  let server: ChildProcess;
  let port: number;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'turnpike-gunicorn-'));
    await writeFile(join(folder, 'app.py'), APP);
    const options = ['-k', 'gthread', '--threads', '8', '--keep-alive', '1', '-b', '127.0.0.1:0'];
    server = spawn('gunicorn', [...options, 'app:app'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    port = await new Promise<number>((resolve, reject) => {
      if (server.stderr === null) return reject(new Error('no log'));
      const lines = createInterface({ input: server.stderr });
      lines.on('line', (line) => {
        const [, found] = /Listening at: http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? [];
        if (found !== undefined) resolve(Number(found));
      });
      return lines.on('close', () => reject(new Error('gunicorn does not listen')));
    });
  });
  afterAll(async () => {
    const gone = once(server, 'exit');
    server.kill('SIGTERM');
    await gone;
    await rm(folder, { recursive: true, force: true });
  });

  it('answers every GET, also one that is sent in the moment when it closes the connection', async () => {
    const gateway = await openBareGateway(upstreamAt(port, { connections: 256 }));
    const statuses = new Map<number, number>();
    const client = async (index: number): Promise<void> => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const response = await fetch(`http://127.0.0.1:${gateway.port}/x`);
        await response.arrayBuffer();
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        // Around the second that gunicorn keeps a connection for: what comes of it must not depend on when exactly.
        await pause(950 + ((index * 37 + round * 101) % 1150));
      }
    };
    try {
      await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)));
    } finally {
      await gateway.close();
    }
    expect([...statuses]).toEqual([[200, CLIENTS * ROUNDS]]);
  });
});
