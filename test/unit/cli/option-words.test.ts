import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/main.ts';
import { openSqliteLedger } from '../../../src/store/sqlite/sqlite-ledger.ts';

const folder = mkdtempSync(join(tmpdir(), 'turnpike-options-'));
const TABLE = join(folder, 'gateway.yaml');
const STORE = `sqlite:${join(folder, 'ledger.db')}`;
const BODY = join(folder, 'body.json');

beforeAll(async () => {
  await (await openSqliteLedger(STORE.slice('sqlite:'.length))).close();
  writeFileSync(BODY, '{"model":"large"}');
  writeFileSync(
    TABLE,
    `upstream: http://127.0.0.1:8080
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: https://www.x402.org/facilitator
routes:
  - path: /chat
    prices:
      - { when: { json: { /model: large } }, price: $0.10 }
      - { price: $0.01 }
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

async function cli(argv: readonly string[], input = '') {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(input);
  const code = await run([...argv], { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} });
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

describe('the body that explain is given', () => {
  const EXPLAIN = ['explain', 'POST', '/chat', '-H', 'Content-Type: application/json', '-c', TABLE, '-d'];

  it.each([
    ['as text', '{"model":"large"}', ''],
    ['in a file', `@${BODY}`, ''],
    ['on stdin', '@-', '{"model":"large"}'],
  ])('decides the price: %s', async (_, data, input) => {
    const { code, out } = await cli([...EXPLAIN, data], input);
    expect([code, out]).toEqual([0, expect.stringContaining('price     0.1 USDC')]);
  });

  it('is no file that is not there', async () => {
    const { code, err } = await cli([...EXPLAIN, '@/nowhere']);
    expect([code, err]).toEqual([2, 'turnpike: cannot read the body from /nowhere: there is no such file\n']);
  });
});

describe('--payer', () => {
  const COMMANDS = ['ledger list', 'ledger summary', 'ledger usage', 'ledger export --format csv', 'passes list'];
  const CUT = ['0x2096', '0x2096…287C', '0x2096...287C', '9xQe…VFin'];

  it.each(
    COMMANDS.flatMap((command) => CUT.map((payer) => [command, payer] as const)),
  )('of %s says that %s is no whole account', async (command, payer) => {
    const { code, err } = await cli([...command.split(' '), '--store', STORE, '--payer', payer]);
    expect([code, err]).toEqual([2, expect.stringContaining(`${JSON.stringify(payer)} is no whole account; right is`)]);
  });

  it.each([
    `0x${'2A'.repeat(20)}`,
    `0x${'2a'.repeat(32)}`,
    '9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin',
    '0.0.12',
  ])('takes %s', async (payer) =>
    expect(await cli(['ledger', 'list', '--store', STORE, '--payer', payer])).toMatchObject({ code: 0 }));
});

describe('a URL with a user and a password', () => {
  it.each([['pay'], ['mcp'], ['explain', 'GET']])('is refused by %s without showing it', async (...command) => {
    const { code, err } = await cli([...command, 'http://ann:secret@127.0.0.1:9/x']);
    expect([code, err]).toEqual([2, expect.stringMatching(/holds a user or a password; right is/)]);
    expect(err).not.toMatch(/ann|secret/);
  });

  it('is not what an @ in the path or query makes', async () => {
    expect(await cli(['explain', 'GET', 'http://127.0.0.1/chat?to=a@b', '-c', TABLE])).toMatchObject({ code: 0 });
  });
});

it('ledger export says which formats there are', async () => {
  const { code, err } = await cli(['ledger', 'export', '--store', STORE]);
  expect([code, err]).toEqual([2, 'turnpike: --format is missing; right is one of csv, json, summary\n']);
});

it('pay says which method takes no body', async () => {
  const { code, err } = await cli(['pay', 'http://127.0.0.1:9/', '-X', 'get', '-d', 'x']);
  expect([code, err]).toEqual([2, 'turnpike: GET takes no body; right is -X POST, or no -d\n']);
});
