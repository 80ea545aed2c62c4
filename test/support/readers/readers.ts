import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What a reader finds in a body, in each of its ways to read: the value at the key, of each item where it is a list. */
export type Reading = readonly (string | null)[];

/** Reads bodies, in their order. */
export type ReadBodies = (key: string, bodies: readonly Buffer[]) => Promise<readonly (readonly Reading[])[]>;

/** Readers of JSON: V8's, in this process, and those that Debian has. */
export const READERS = ['V8', 'Python', 'Perl', 'PHP', 'Ruby', 'Go', 'simdjson'] as const;

/** One of {@link READERS}. */
export type ReaderName = (typeof READERS)[number];

/** The readers that are on this machine. */
export interface OpenReaders {
  readonly known: ReadonlyMap<ReaderName, ReadBodies>;
  close(): Promise<void>;
}

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Looks for the readers, and compiles those that have to be: one without its compiler or library is not there. */
export async function openReaders(): Promise<OpenReaders> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-readers-'));
  const go = join(folder, 'go');
  const simdjson = join(folder, 'simdjson');
  const env = { ...process.env, GOCACHE: join(folder, 'cache') };
  const found = await Promise.all([
    interpreted('Python', 'python3', ['--version'], [script('read.py')]),
    interpreted('Perl', 'perl', ['-MJSON::PP', '-e', '1'], [script('read.pl')]),
    interpreted('PHP', 'php', ['--version'], [script('read.php')]),
    interpreted('Ruby', 'ruby', ['-rjson', '-e', '1'], [script('read.rb')]),
    ran('go', ['build', '-o', go, script('read.go')], env).then((isThere) => isThere && entry('Go', go, [])),
    ran('g++', ['-std=c++17', '-o', simdjson, script('read.cpp'), '-lsimdjson'], env).then(
      (isThere) => isThere && entry('simdjson', simdjson, []),
    ),
  ]);
  const known = new Map<ReaderName, ReadBodies>([
    ['V8', async (key, bodies) => bodies.map((body) => readByV8(key, body))],
    ...found.filter((each) => each !== false),
  ]);
  return { known, close: () => rm(folder, { recursive: true, force: true }) };
}

type Entry = readonly [ReaderName, ReadBodies];

function entry(name: ReaderName, command: string, before: readonly string[]): Entry {
  return [name, (key, bodies) => run(command, [...before, key], bodies)];
}

async function interpreted(
  name: ReaderName,
  command: string,
  look: readonly string[],
  before: readonly string[],
): Promise<Entry | false> {
  return (await ran(command, look, process.env)) && entry(name, command, before);
}

/** Whether a command is there and does what it is asked. */
async function ran(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  return await promisify(execFile)(command, args, { env }).then(
    () => true,
    () => false,
  );
}

function readByV8(key: string, body: Buffer): readonly Reading[] {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
    return [Array.isArray(value) ? value.map((item: unknown) => at(item, key)) : [at(value, key)]];
  } catch {
    return [];
  }
}

function at(item: unknown, key: string): string | null {
  if (!(item instanceof Object) || !Object.hasOwn(item, key)) return null;
  const value = Object.entries(item).find(([name]) => name === key)?.[1];
  return typeof value === 'string' ? value : null;
}

async function run(
  command: string,
  args: readonly string[],
  bodies: readonly Buffer[],
): Promise<readonly (readonly Reading[])[]> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  child.stdin.end(bodies.map((body) => `${body.toString('hex')}\n`).join(''));
  const lines = (await text(child.stdout)).trimEnd().split('\n');
  const [status] = await closed;
  if (status !== 0 || lines.length !== bodies.length)
    throw new Error(`${command} read ${lines.length} of ${bodies.length} bodies, and ended with ${status}`);
  return lines.map((line): readonly Reading[] => JSON.parse(line));
}
