import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PERMIT2 } from '../../src/devnet/addresses.ts';
import { ANVIL_COMMAND, type Anvil, findAnvil, startAnvil } from '../../src/devnet/anvil.ts';
import { useDevnet } from '../../src/devnet/existing-chain.ts';
import anvils from '../support/anvil/package.json' with { type: 'json' };
import { clientOf } from '../support/devnet.ts';
import { repositoryPath } from '../support/docs/markdown.ts';

/** Starting a process on a busy machine takes its time. */
const LONG = 180_000;
const STAYING = new AbortController().signal;
const [, ...ANVIL_ARGS] = ANVIL_COMMAND.split(' ');

let chain: Anvil;

/** The chain that the messages tell people to start. */
beforeAll(async () => {
  chain = await startAnvil({ args: [...ANVIL_ARGS, '--prune-history'], port: 0 });
}, LONG);

afterAll(() => chain.close());

/** Runs a command of the checkout to its end. */
async function turnpike(...argv: string[]): Promise<{ stdout: string; stderr: string }> {
  const script = [repositoryPath('bin/turnpike.js'), ...argv];
  return await promisify(execFile)(process.execPath, ['--conditions=development', ...script]);
}

/** A node that answers the methods given, and notes which it was asked. */
async function nodeThatSays(
  answers: Readonly<Record<string, unknown>>,
): Promise<{ server: Server; url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { id, method }: { id: number; method: string } = JSON.parse(body);
      asked.push(method);
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method] }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}`, asked };
}

describe('a development chain that runs elsewhere', () => {
  it(
    'replaces the own chain of the demo, which pays on it, twice, and leaves it running',
    { timeout: LONG },
    async () => {
      for (const buyer of ['1000 USDC -> 999.999 USDC', '1999.99436 USDC -> 1999.99336 USDC']) {
        const { stdout, stderr } = await turnpike('demo', '--once', '--rpc', chain.rpcUrl);
        expect(stdout).toContain(`buyer     ${buyer} (-0.001 USDC)`);
        expect(stdout).toContain('(+0.001 USDC)');
        expect(stderr).toBe('');
      }
    },
  );

  it('is prepared by `devnet --rpc`, which ends and says how to use it', { timeout: LONG }, async () => {
    const { stdout, stderr } = await turnpike('devnet', '--rpc', chain.rpcUrl);
    expect(stdout).toContain(`RPC URL   ${chain.rpcUrl}`);
    expect(stderr).toContain(`rpc: { base-sepolia: "${chain.rpcUrl}" }`);
    expect(stderr).not.toContain('Ctrl-C');
    const devnet = await useDevnet(chain.rpcUrl, STAYING);
    // What it lacked is borrowed from the anvil of this machine, which is the one of the tests.
    expect(devnet.lacking).toEqual([]);
    expect(await clientOf(devnet).getCode({ address: PERMIT2 })).toBeDefined();
  });

  it('must be an anvil: a real node gets two questions and nothing else', { timeout: LONG }, async () => {
    const node = await nodeThatSays({ web3_clientVersion: 'Geth/v1.16.0/linux', eth_chainId: '0x14a34' });
    try {
      await expect(useDevnet(`${node.url}/secret-key`, STAYING)).rejects.toThrow(
        `The node at ${node.url} is no anvil, and nothing was sent to it.\n  it says:  "Geth/v1.16.0/linux"\nStart one with:\n  ${ANVIL_COMMAND}`,
      );
      expect(node.asked.sort()).toEqual(['eth_chainId', 'web3_clientVersion']);
    } finally {
      node.server.close();
    }
  });

  it('has the chain id that clients expect, and answers', { timeout: LONG }, async () => {
    const other = await startAnvil({ args: ['--prune-history'], port: 0 });
    try {
      await expect(useDevnet(other.rpcUrl, STAYING)).rejects.toThrow(/has the id 31337; clients expect .* 84532/);
    } finally {
      await other.close();
    }
    await expect(useDevnet(other.rpcUrl, STAYING)).rejects.toThrow(`No chain answers at ${other.rpcUrl}.`);
    await expect(turnpike('demo', '--rpc', 'nonsense')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('An RPC URL looks like http://127.0.0.1:8545.'),
    });
  });
});

describe('a machine without a local chain', () => {
  it('is told which package to install, in the tested version, or to name an RPC URL instead', () => {
    const platforms: Readonly<Record<string, readonly [string, string]>> = {
      '@foundry-rs/anvil-darwin-amd64': ['darwin', 'x64'],
      '@foundry-rs/anvil-darwin-arm64': ['darwin', 'arm64'],
      '@foundry-rs/anvil-linux-arm64': ['linux', 'arm64'],
      '@foundry-rs/anvil-linux-amd64': ['linux', 'x64'],
    };
    expect(Object.keys(anvils.optionalDependencies).sort()).toEqual(Object.keys(platforms).sort());
    for (const [name, version] of Object.entries(anvils.optionalDependencies)) {
      const [platform = '', architecture = ''] = platforms[name] ?? [];
      if (platform === process.platform && architecture === process.arch) continue;
      const told = `npm install ${name}@${version}\nOr name the RPC URL of one that runs elsewhere: --rpc http://HOST:8545`;
      expect(() => findAnvil(platform, architecture)).toThrow(told);
    }
    expect(() => findAnvil('win32', 'x64')).toThrow(`There is none for this platform.\nOr name the RPC URL`);
  });
});
