import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { generateKeyPairSigner } from '@solana/kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { toBase58 } from '../../src/svm/base58.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { SVM_USDC, type SvmChain, startSvmChain } from '../support/svm/local-chain.ts';
import { type OfficialSvmFacilitator, startOfficialSvm } from '../support/svm/official-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** `turnpike pay --solana-key-env`, on the local chain. */

const EVM_PAYEE = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let chain: SvmChain;
let official: OfficialSvmFacilitator;
let upstream: TestUpstream;
let gateway: TestGateway;
let payee: string;
/** The 64 bytes that wallets export. */
let key: Buffer;
let payer: string;

beforeAll(async () => {
  chain = await startSvmChain();
  const [settler, owner] = await Promise.all([generateKeyPairSigner(), generateKeyPairSigner()]);
  payee = owner.address;
  [key, payer] = await makeKey();
  chain.fund(payer, 1_000_000n);
  chain.fund(payee, 0n);
  chain.fund(settler.address, 0n);
  official = await startOfficialSvm(chain.rpcUrl, settler);
  upstream = await startUpstream((_req, res) => res.end('sold'));
  gateway = await startTestGateway(configuration('[solana-devnet]', official.url));
});

afterAll(async () => {
  await gateway?.close();
  await Promise.all([upstream?.close(), official?.close()]);
  await chain?.close();
});

function configuration(accepts: string, ...facilitators: readonly string[]): string {
  const evm = accepts.includes('base') ? `eip155: "${EVM_PAYEE}", ` : '';
  return `upstream: ${upstream.url}
payTo: { ${evm}solana: "${payee}" }
accepts: ${accepts}
store: memory
facilitator: [${facilitators.map((url) => `"${url}"`).join(', ')}]
routes: [{ path: /paid, price: $0.01 }]
`;
}

async function makeKey(): Promise<[Buffer, string]> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('a pair of keys');
  const secret = Buffer.from(await crypto.subtle.exportKey('pkcs8', pair.privateKey)).subarray(-32);
  const open = Buffer.from(await crypto.subtle.exportKey('raw', pair.publicKey));
  return [Buffer.concat([secret, open]), toBase58(open)];
}

async function pay(argv: readonly string[], env: Readonly<Record<string, string>>, at = gateway): Promise<Ran> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const signals = new EventEmitter();
  const terminal: Terminal = {
    stdin: Object.assign(stdin, { isTTY: false }),
    stdout,
    stderr,
    env,
    on: (signal, listener) => signals.on(signal, listener),
    off: (signal, listener) => signals.off(signal, listener),
  };
  const ask = ['pay', `${at.url}/paid`, '--yes', '--solana-rpc', chain.rpcUrl, ...argv];
  const code = await run(ask, terminal);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

describe('turnpike pay on Solana', () => {
  it.each([
    ['base58, as wallets export it', () => toBase58(key)],
    ['a JSON array, as key files hold it', () => JSON.stringify([...key])],
  ])('pays exactly the price with a key in %s, and prints the receipt', async (_form, text) => {
    const before = chain.balance(payee);
    const ran = await pay([], { TURNPIKE_PAY_SOLANA_KEY: text() });
    expect(ran).toMatchObject({ code: 0, out: 'sold' });
    expect(chain.balance(payee) - before).toBe(10_000n);
    expect(ran.err).toMatch(new RegExp(`paid +0.01 USDC\\npayer +${payer}\\ntx +[1-9A-HJ-NP-Za-km-z]{80,90}\\n`));
    expect(ran.err).toContain('network   solana-devnet');
  });

  it('keeps to the limit, in dollars or in atomic units of the mint', async () => {
    const env = { OTHER: toBase58(key) };
    const before = chain.balance(payee);
    for (const max of ['$0.009', `9999 ${SVM_USDC}`]) {
      const ran = await pay(['--solana-key-env', 'OTHER', '--max', max], env);
      expect([ran.code, ran.out]).toEqual([1, '']);
      expect(ran.err).toContain('more than --max');
    }
    expect(chain.balance(payee)).toBe(before);
  });

  it('says that there is no key for a chain, and signs nothing', async () => {
    const { code, err } = await pay([], { TURNPIKE_PAY_KEY: `0x${'12'.repeat(32)}` });
    expect(code).toBe(1);
    expect(err).toMatch(/0\.01 USDC on solana-devnet, and there is no key for that network: .*--solana-key-env/);
  });

  it.each([
    ['hex', '12'.repeat(32)],
    ['a half', '[1, 2, 3]'],
    ['halves that do not belong together', toBase58(Buffer.alloc(64, 7))],
  ])('refuses a key that is %s, without repeating it', async (_what, text) => {
    const { code, err } = await pay([], { TURNPIKE_PAY_SOLANA_KEY: text });
    expect(code).toBe(2);
    expect(err).toContain('TURNPIKE_PAY_SOLANA_KEY');
    expect(err).not.toContain(text);
  });

  it('pays a 402 with both chains on the one that there is a key for', async () => {
    const evm = await startScriptedFacilitator();
    const both = await startTestGateway(configuration('[base-sepolia, solana-devnet]', evm.url, official.url));
    try {
      const onSolana = await pay([], { TURNPIKE_PAY_SOLANA_KEY: toBase58(key) }, both);
      expect(onSolana).toMatchObject({ code: 0, out: 'sold' });
      expect(onSolana.err).toContain('network   solana-devnet');
      const onEvm = await pay([], { TURNPIKE_PAY_KEY: `0x${'12'.repeat(32)}` }, both);
      expect(onEvm).toMatchObject({ code: 0, out: 'sold' });
      expect(onEvm.err).toContain('network   base-sepolia');
    } finally {
      await both.close();
      await evm.close();
    }
  });
});
