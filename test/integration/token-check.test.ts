import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { renderProblem } from '../../src/config/problem.ts';
import { loadSchemes, loadTokenReader } from '../../src/registry.ts';
import { readConfiguration } from '../../src/server/reload/config-reading.ts';
import { Reloader } from '../../src/server/reload/reloader.ts';
import { TokenCheck } from '../../src/server/token-check.ts';
import { type Devnet, placeContract, startDevnet } from '../support/devnet.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';

/** A token that no table knows, so that only its contract can tell what it is. */
const TOKEN = '0x70ce000000000000000000000000000000000001';
const NOWHERE = '0x70ce000000000000000000000000000000000002';

let devnet: Devnet;
let folder: string;

beforeAll(async () => {
  devnet = await startDevnet();
  folder = mkdtempSync(join(tmpdir(), 'turnpike-token-'));
  await placeContract(devnet, 'TestUsdc', TOKEN);
});
afterAll(async () => {
  await devnet.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a test writes otherwise than the chain has it. */
interface Said {
  readonly address?: string;
  readonly decimals?: number;
  readonly name?: string;
  readonly version?: string;
  readonly network?: string;
  readonly rpc?: string;
  readonly remote?: boolean;
}

/** The token stands in line 11, its node in line 8. */
function table(said: Said = {}): string {
  const { address = TOKEN, decimals = 6, name = 'USDC', version = '2' } = said;
  const { network = 'base-sepolia', rpc = devnet.rpcUrl, remote = false } = said;
  return `listen: 127.0.0.1:0
admin: 127.0.0.1:0
upstream: http://127.0.0.1:9
payTo: "${devnet.accounts.payee.address}"
store: memory
facilitator:
  ${remote ? 'url: http://127.0.0.1:9' : `local:\n    key: "${devnet.accounts.settler.key}"`}
  ${remote ? '' : '  '}rpc: { ${network}: "${rpc}" }
accepts:
  - network: ${network}
    asset: { address: "${address}", decimals: ${decimals}, name: ${name}, version: "${version}", transferMethod: eip3009 }
routes:
  - { path: /a, price: 0.01 USDC }
  - { path: /b, price: 0.02 USDC }
`
    .replaceAll('0.01 USDC', `0.01 ${name}`)
    .replaceAll('0.02 USDC', `0.02 ${name}`);
}

async function load(text: string) {
  const schemes = await loadSchemes();
  const loaded = loadConfig({ file: 'gateway.yaml', text, env: {}, readFile: () => '', schemes });
  if (!loaded.ok) throw new Error(loaded.problems.map(renderProblem).join('\n'));
  return loaded;
}

function openCheck(lines: string[] = []): TokenCheck {
  return new TokenCheck({ load: loadTokenReader, log: pino({}, { write: (line) => void lines.push(line) }) });
}

async function problemsOf(said: Said): Promise<readonly string[]> {
  return (await openCheck().ask((await load(table(said))).claims)).problems.map(renderProblem);
}

describe('a token in its long form', () => {
  it('is accepted when its contract agrees with the file, whichever facilitator settles', async () => {
    expect(await problemsOf({})).toEqual([]);
    expect(await problemsOf({ remote: true })).toEqual([]);
  });

  it.each<[what: string, said: Said, problem: RegExp]>([
    [
      'of other decimals',
      { decimals: 4 },
      /^gateway\.yaml:1[12]:\d+ accepts\[0\]\.asset\.decimals: the contract says 6, not 4, expected 6$/,
    ],
    [
      'without a contract',
      { address: NOWHERE },
      /^gateway\.yaml:1[12]:\d+ accepts\[0\]\.asset\.address: there is no contract on eip155:84532, expected /,
    ],
    [
      'of another name',
      { name: 'Coin' },
      /^gateway\.yaml:1[12]:\d+ accepts\[0\]\.asset\.name: the contract signs with "USDC", not "Coin", expected "USDC"$/,
    ],
    [
      'of another version',
      { version: '1' },
      /^gateway\.yaml:1[12]:\d+ accepts\[0\]\.asset\.version: the contract signs with "2", not "1", expected "2"$/,
    ],
    [
      'whose node is of another chain',
      { network: 'base' },
      /^gateway\.yaml:\d+:\d+ facilitator\.local\.rpc\.base: the node serves eip155:84532, expected a node of eip155:8453$/,
    ],
    [
      'that a remote facilitator settles and its node knows better',
      { decimals: 18, remote: true },
      /accepts\[0\]\.asset\.decimals: the contract says 6, not 18, expected 6$/,
    ],
  ])('is refused, with its place in the file: %s', async (_, said, problem) => {
    expect(await problemsOf(said)).toEqual([expect.stringMatching(problem)]);
  });
});

describe('a gateway', () => {
  it('does not start on a token that its contract contradicts', async () => {
    const { code, stderr } = await startGatewayProcess(folder, table({ decimals: 4 })).ended;
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/gateway\.yaml:\d+:\d+ accepts\[0\]\.asset\.decimals: the contract says 6, not 4/);
  });

  it('keeps the plan in force when a new file has such a token', async () => {
    const gateway = startGatewayProcess(folder, table());
    const { url } = await gateway.ready;
    for (const said of [{ decimals: 4 }, { address: NOWHERE }, { name: 'Coin' }, { version: '1' }]) {
      const refused = gateway.log.filter(({ msg }) => msg === REFUSED).length;
      // Renamed into its place: a file that is just being written may be read half.
      writeFileSync(join(folder, 'next.yaml'), table(said));
      renameSync(join(folder, 'next.yaml'), join(folder, 'gateway.yaml'));
      await gateway.logged(refused + 1, ({ msg }) => msg === REFUSED);
    }
    const said = gateway.log.flatMap(({ msg, problems }) => (msg === REFUSED ? [JSON.stringify(problems)] : []));
    expect(said.map((text) => /asset\.\w+/.exec(text)?.[0])).toEqual([
      'asset.decimals',
      'asset.address',
      'asset.name',
      'asset.version',
    ]);
    expect((await fetch(`${url}/a`)).status).toBe(402);
    gateway.kill('SIGKILL');
    await gateway.ended;
  });

  it('starts with a warning while the node is down, and shows later what the node says against the token', async () => {
    const node = await openNode();
    const file = join(folder, 'later.yaml');
    writeFileSync(file, table({ decimals: 4, rpc: node.url }));
    const readFile = (path: string): string => readFileSync(path, 'utf8');
    const schemes = await loadSchemes();
    const read = () => readConfiguration((from) => loadConfig({ file, env: {}, readFile: from, schemes }), readFile);
    const { loaded, contents } = read();
    if (!loaded.ok) throw new Error('the file is sound');
    const lines: string[] = [];
    const tokens = openCheck(lines);
    const { problems, unasked, silent } = await tokens.ask(loaded.claims);
    expect(problems).toEqual([]);
    expect(unasked.map(renderProblem)).toEqual([
      expect.stringMatching(/facilitator\.local\.rpc\.base-sepolia: the node cannot be asked about USDC /),
    ]);
    tokens.follow(silent);
    const log = pino({ level: 'silent' });
    const reloader = new Reloader({ plan: loaded.plan, contents }, { read, readFile, file, log, tokens });
    await tokens.askAgain();
    expect(reloader.check().detail).not.toContain('tokens');
    node.comeBack();
    await tokens.askAgain();
    expect(reloader.check()).toMatchObject({
      ready: true,
      detail: expect.stringMatching(/asset\.decimals: the contract says 6, not 4/),
    });
    expect(lines.join('')).toContain('tokens are not what the configuration says');
    await Promise.all([reloader.close(), node.close()]);
  });
});

const REFUSED = 'configuration refused, the one in force stays';

/** The development chain's node behind an address that hangs up until it comes back. */
async function openNode() {
  let up = false;
  const server = createServer((req, res) => {
    if (!up) return void req.socket.destroy();
    const on = request(devnet.rpcUrl, { method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    req.pipe(on);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    comeBack: () => {
      up = true;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
