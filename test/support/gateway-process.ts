import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LogLine } from './gateway.ts';

const BIN = fileURLToPath(new URL('../../bin/turnpike.js', import.meta.url));

/** How the process and all that it started ended. */
export interface GatewayEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** `turnpike start` as a process of its own. */
export interface GatewayProcess {
  /** The process that was started, or what it became. */
  readonly pid: number | undefined;
  /** Resolves with its addresses once it says that it is ready; rejects when it ends before. */
  readonly ready: Promise<{ readonly url: string; readonly adminUrl: string }>;
  /** Resolves once nothing holds its output any more: neither it, nor a process that it started. */
  readonly ended: Promise<GatewayEnd>;
  /** What it wrote that is no log line. */
  readonly notices: readonly string[];
  readonly log: readonly LogLine[];
  kill(signal: NodeJS.Signals): void;
  /** Resolves once the log holds so many lines that fit, with these. */
  logged(count: number, fits: (line: LogLine) => boolean): Promise<readonly LogLine[]>;
}

const READY = /turnpike listening on (\S+) \(admin ([^\s)]+)\)/;

/** How the command is started where it is not run from the sources. */
export interface Launch {
  /** A program with its arguments, which ends in what runs the command line. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the sources of this checkout. */
export const FROM_SOURCES: Launch = {
  command: [process.execPath, '--conditions=development', BIN],
  cwd: process.cwd(),
};

/** Runs `turnpike start` on a configuration text, which is written into `folder`. */
export function startGatewayProcess(folder: string, text: string, launch = FROM_SOURCES): GatewayProcess {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, text);
  return startGatewayProcessOn(file, launch);
}

/** Runs `turnpike start` on a configuration file that is there already. */
export function startGatewayProcessOn(file: string, launch = FROM_SOURCES): GatewayProcess {
  const [program = '', ...given] = launch.command;
  const child = spawn(program, [...given, 'start', '-c', file], {
    cwd: launch.cwd,
    env: { ...process.env, ...launch.env },
  });
  const log: LogLine[] = [];
  const notices: string[] = [];
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const lines = createInterface({ input: child.stdout });
  const ready = Promise.withResolvers<{ url: string; adminUrl: string }>();
  lines.on('line', (line) => {
    if (line.startsWith('{')) log.push(JSON.parse(line));
    else notices.push(line);
    const [, url, adminUrl] = READY.exec(line) ?? [];
    if (url !== undefined && adminUrl !== undefined) ready.resolve({ url, adminUrl });
  });
  const ended = once(child, 'close').then(([code, signal]) => {
    ready.reject(new Error(`ended before it was ready: ${stderr}`));
    return { code, signal, stderr };
  });
  ready.promise.catch(() => {});
  return {
    pid: child.pid,
    ready: ready.promise,
    ended,
    notices,
    log,
    kill: (signal) => void child.kill(signal),
    async logged(count, fits) {
      for (;;) {
        const found = log.filter(fits);
        if (found.length >= count) return found;
        await Promise.race([once(lines, 'line'), ended.then((end) => Promise.reject(new Error(JSON.stringify(end))))]);
      }
    },
  };
}
