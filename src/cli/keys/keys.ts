import { createHash, randomBytes } from 'node:crypto';
import { text as readText } from 'node:stream/consumers';
import { type Cli, example } from '../cli.ts';
import { type ExitCode, UsageError } from '../exit.ts';
import { print, type Terminal } from '../terminal.ts';

/** Bytes of a new key: too many to guess. */
const KEY_BYTES = 24;
/** Shorter keys can be found by trial once their digest is known. */
const LEAST_CHARACTERS = 16;

/** Adds `turnpike keys` with its commands: they make and digest keys of customers. */
export function addKeys({ program, terminal, finish }: Cli): void {
  const group = program
    .command('keys')
    .description('make keys of known customers, and their lines in a keys file')
    .helpCommand(false)
    .addHelpText('after', example('turnpike keys new ACME >> keys.txt', 'turnpike keys hash ACME < key'));
  group
    .command('new')
    .description('make a key: the line of the keys file goes to standard output, the key to standard error, once')
    .argument('[label]', 'what the API is told of the customer')
    .addHelpText('after', example('turnpike keys new ACME >> /run/keys.txt'))
    .action((label: string | undefined) => finish(makeKey(label, terminal)));
  group
    .command('hash')
    .description('read a key from standard input, and print its line of the keys file')
    .argument('[label]', 'what the API is told of the customer')
    .addHelpText('after', example('turnpike keys hash ACME < key >> /run/keys.txt'))
    .action(async (label: string | undefined) => finish(await hashKey(label, terminal)));
}

function makeKey(label: string | undefined, terminal: Terminal): ExitCode {
  const key = randomBytes(KEY_BYTES).toString('base64url');
  const line = lineOf(key, label);
  terminal.stderr.write(`key: ${key}\n`);
  print(terminal, line);
  return 0;
}

async function hashKey(label: string | undefined, terminal: Terminal): Promise<ExitCode> {
  const key = (await readText(terminal.stdin)).trim();
  if (key === '') throw new UsageError('no key came on standard input; right is turnpike keys hash < FILE');
  if (!/^[!-~]+$/.test(key))
    throw new UsageError('the key is not printable ASCII in one line; right would be a header value');
  if (key.length < LEAST_CHARACTERS)
    throw new UsageError(
      `the key has ${key.length} characters; right would be at least ${LEAST_CHARACTERS}, at random`,
    );
  print(terminal, lineOf(key, label));
  return 0;
}

function lineOf(key: string, label: string | undefined): string {
  if (label !== undefined && !/^[!-~](?:[ -~]{0,98}[!-~])?$/.test(label))
    throw new UsageError('the label is not printable ASCII of up to 100 characters');
  const hash = createHash('sha256').update(key).digest('hex');
  return label === undefined ? hash : `${hash}  ${label}`;
}
