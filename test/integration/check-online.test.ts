import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { associatedTokenAccount, TOKEN_PROGRAM } from '../../src/svm/token-account.ts';
import { refusingUrl, type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';

let folder: string;
let facilitator: ScriptedFacilitator;
const servers: Server[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'turnpike-online-'));
  facilitator = await startScriptedFacilitator();
});
afterEach(async () => {
  await facilitator.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A node that says which chain it serves. */
async function nodeOf(chain: number): Promise<string> {
  return await serve(async (req, res) => {
    let text = '';
    for await (const chunk of req) text += chunk;
    const calls: { readonly id: number }[] = [JSON.parse(text)].flat();
    const answers = calls.map(({ id }) => ({ jsonrpc: '2.0', id, result: `0x${chain.toString(16)}` }));
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify(text.startsWith('[') ? answers : answers[0]));
  });
}

const SELLER = 'CmpNeggWJ4JaWJeJ8YKN1Zypmk7uvQq3PECGUCAEMbky';
/** USDC of Solana's devnet, and the account in which the seller would hold it. */
const MINT = '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU';
const ACCOUNT = associatedTokenAccount(SELLER, MINT, TOKEN_PROGRAM);

/** A node of Solana's devnet that has these accounts of the token program. */
async function solanaNode(accounts: readonly string[]): Promise<string> {
  return await serve(async (req, res) => {
    const { id, method, params } = (await json(req)) as { id: number; method: string; params: string[] };
    const value = accounts.includes(params[0] ?? '') ? { owner: TOKEN_PROGRAM, data: ['', 'base64'] } : null;
    const result = method === 'getGenesisHash' ? 'EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG' : { value };
    res.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  });
}

interface Terms {
  readonly facilitator?: string;
  readonly node?: string;
  readonly upstream?: string;
  readonly accepts?: string;
  readonly solana?: string;
}

async function checkOnline(terms: Terms, ...argv: readonly string[]): Promise<{ code: number; out: string }> {
  const file = join(folder, 'gateway.yaml');
  const upstream = terms.upstream ?? (await serve((_req, res) => res.writeHead(404).end()));
  const nodes = Object.entries({ 'base-sepolia': terms.node, 'solana-devnet': terms.solana })
    .filter(([, url]) => url !== undefined)
    .map(([network, url]) => `${network}: "${url}"`);
  const rpc = nodes.length === 0 ? 'off' : `{ ${nodes.join(', ')} }`;
  writeFileSync(
    file,
    `upstream: ${upstream}
payTo: "${terms.solana === undefined ? '0x209693Bc6afc0C5328bA36FaF03C514EF312287C' : SELLER}"
accepts: [${terms.accepts ?? 'base-sepolia'}]
facilitator: { url: "${terms.facilitator ?? facilitator.url}", rpc: ${rpc} }
store: memory
routes: [{ path: /a, price: $0.001 }]
`,
  );
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const terminal = { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} };
  const code = await run(['check', '--online', ...argv, '-c', file], terminal);
  return { code, out: String(stdout.read() ?? '') };
}

describe('turnpike check --online', () => {
  it('prints the answer of each server that the gateway needs', async () => {
    const { code, out } = await checkOnline({ node: await nodeOf(84_532) });
    expect(out).toMatch(/^ok {3}facilitator 127\.0\.0\.1:\d+: lists exact on eip155:84532/m);
    expect(out).toMatch(/^ok {3}node 127\.0\.0\.1:\d+ of eip155:84532: serves chain 84532$/m);
    expect(out).toMatch(/^ok {3}upstream http:\/\/127\.0\.0\.1:\d+: answers 404$/m);
    expect(code).toBe(0);
    expect(facilitator.requests.map(({ endpoint }) => endpoint)).toEqual(['supported']);
  });

  it.each<[string, () => Promise<Terms>, RegExp]>([
    [
      'a facilitator that redirects, and names the target',
      async () => ({
        facilitator: await serve((_req, res) => res.writeHead(301, { Location: 'https://www.f.example/v2?k=1' }).end()),
      }),
      /^FAIL facilitator .*HTTP status 301, a redirect to https:\/\/www\.f\.example\/v2:/m,
    ],
    [
      'a facilitator that is away',
      async () => ({ facilitator: await refusingUrl() }),
      /^FAIL facilitator .*ECONNREFUSED/m,
    ],
    ['an offer that nobody lists', async () => ({ accepts: 'base' }), /^FAIL exact on eip155:8453: is sold, and no/m],
    [
      'a node of another chain',
      async () => ({ node: await nodeOf(1) }),
      /^FAIL node .* of eip155:84532: serves chain 1$/m,
    ],
    ['a node that is away', async () => ({ node: `${await refusingUrl()}/v3/s3cret` }), /^FAIL node /m],
    ['an upstream that is away', async () => ({ upstream: await refusingUrl() }), /^FAIL upstream .*ECONNREFUSED/m],
    [
      'a socket that is not there',
      async () => ({ upstream: 'unix:/nowhere/a.sock' }),
      /^FAIL upstream unix:\/nowhere\/a\.sock: .*ENOENT/m,
    ],
  ])('ends with 1 for %s', async (_name, terms, line) => {
    const { code, out } = await checkOnline(await terms());
    expect(out).toMatch(line);
    expect(out).not.toContain('s3cret');
    expect(code).toBe(1);
  });

  it('tells a seller on Solana that there is no account in which a payment can arrive', async () => {
    const asked = async (accounts: readonly string[]) =>
      await checkOnline({ accepts: 'solana-devnet', solana: await solanaNode(accounts) });
    const missing = await asked([MINT]);
    expect(missing.out).toContain(
      `FAIL USDC on solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1: ${SELLER} has no token account`,
    );
    expect(missing.out).toContain(`spl-token create-account ${MINT} --owner ${SELLER}`);
    expect(missing.code).toBe(1);
    expect((await asked([])).out).toContain(`there is no token ${MINT}`);
    expect((await asked([MINT, ACCOUNT])).out).not.toContain('FAIL USDC');
  });

  it('writes the answers as JSON', async () => {
    const { code, out } = await checkOnline({}, '--json');
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      online: [
        { kind: 'facilitator', ok: true },
        { kind: 'upstream', ok: true, said: 'answers 404' },
      ],
    });
    expect(code).toBe(0);
  });
});
