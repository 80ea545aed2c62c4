import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../free-port.ts';

const PROGRAM = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));

/** Another port is tried where somebody took the free one meanwhile. */
const TRIES = 5;

/** The reference server of MCP, as its authors publish it, in a process of its own. */
export interface EverythingServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts `mcp-server-everything streamableHttp`. */
export async function startEverything(): Promise<EverythingServer> {
  for (let tried = 1; ; tried++) {
    const port = await freePort();
    const child = spawn(process.execPath, [PROGRAM, 'streamableHttp'], {
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (await isListening(child)) return { url: `http://127.0.0.1:${port}`, close: () => end(child) };
    if (tried === TRIES) throw new Error('server-everything did not start');
  }
}

/** It says so on its standard error, or ends. */
async function isListening(child: ChildProcess): Promise<boolean> {
  if (child.stderr === null) throw new Error('a process without standard error');
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.includes('listening on port')) {
      child.stderr.resume();
      return true;
    }
  }
  return false;
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}
