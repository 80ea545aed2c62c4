import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types';
import { x402ExactPermit2ProxyABI } from '@x402/evm';
import {
  domainSeparator,
  encodeAbiParameters,
  encodeFunctionData,
  type Hex,
  parseAbi,
  parseEventLogs,
  serializeErc6492Signature,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Address, EXACT_PERMIT2_PROXY, MULTICALL3, PERMIT2 } from '../../src/devnet/addresses.ts';
import { findAnvil, startAnvil } from '../../src/devnet/anvil.ts';
import { CONTRACT_NAMES, sourceHash } from '../support/contracts/sources.ts';
import {
  ACCOUNT_FACTORY_ABI,
  approvePermit2,
  clientOf,
  type Devnet,
  deploySmartAccount,
  freshPayer,
  placeAccountFactory,
  placeContract,
  requirementsOn,
  signPayment,
  smartAccountAddress,
  startDevnet,
  stockFacilitator,
  transferWithAuthorization,
} from '../support/devnet.ts';

const PRICE = 10_000n;
const NO_SALT: Hex = `0x${'00'.repeat(32)}`;

const TOKEN_ABI = parseAbi([
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
  'function balanceOf(address account) view returns (uint256)',
  'function mint(address to, uint256 value)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
  'event AuthorizationAlreadyUsed(address indexed authorizer, bytes32 indexed nonce)',
]);

let devnet: Devnet;
beforeAll(async () => {
  devnet = await startDevnet();
});
afterAll(() => devnet.close());

describe('the development chain', () => {
  it('has every contract where stock clients and facilitators expect it', async () => {
    const client = clientOf(devnet);
    expect(await client.getChainId()).toBe(84532);
    for (const address of [devnet.usdc, PERMIT2, MULTICALL3, EXACT_PERMIT2_PROXY]) {
      expect(await client.getCode({ address }), address).toBeDefined();
    }
    const separator = { address: devnet.usdc, abi: TOKEN_ABI, functionName: 'DOMAIN_SEPARATOR' } as const;
    const domain = { name: 'USDC', version: '2', chainId: 84532, verifyingContract: devnet.usdc };
    expect(await client.readContract(separator)).toBe(domainSeparator({ domain }));
  });

  it('gives the buyer test USDC and no ether, and the settler ether', async () => {
    const { buyer, settler } = devnet.accounts;
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(1_000_000_000n);
    expect(await clientOf(devnet).getBalance({ address: buyer.address })).toBe(0n);
    expect(await clientOf(devnet).getBalance({ address: settler.address })).toBeGreaterThan(0n);
    for (const { address, key } of Object.values(devnet.accounts)) {
      expect(privateKeyToAccount(key).address).toBe(address);
    }
  });

  it('mints for fifty callers at once', async () => {
    const { address } = privateKeyToAccount(generatePrivateKey());
    await Promise.all(Array.from({ length: 50 }, () => devnet.mint(address, 3n)));
    expect(await devnet.usdcBalanceOf(address)).toBe(150n);
  });

  it('answers reads while blocks are mined', async () => {
    const { address } = privateKeyToAccount(generatePrivateKey());
    let minting = true;
    const minted = Promise.all(Array.from({ length: 40 }, () => devnet.mint(address, 1n))).finally(() => {
      minting = false;
    });
    const read = async (): Promise<void> => {
      while (minting) await devnet.usdcBalanceOf(address);
    };
    await Promise.all([read(), read(), read(), minted]);
    expect(await devnet.usdcBalanceOf(address)).toBe(40n);
  });

  it('is made of the committed sources', () => {
    for (const name of CONTRACT_NAMES) {
      const file = new URL(`../../config/contracts/${name}.json`, import.meta.url);
      expect(JSON.parse(readFileSync(file, 'utf8')).sourceHash, `${name}: run npm run contracts`).toBe(
        sourceHash(name),
      );
    }
  });
});

describe('the life of the chain', () => {
  it('ends when the process that started it is killed with SIGKILL', async () => {
    const module = new URL('../../src/devnet/devnet.ts', import.meta.url);
    const script = `const { startDevnet } = await import(${JSON.stringify(module.href)});
      process.stdout.write((await startDevnet()).rpcUrl);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [rpcUrl] = await once(parent.stdout, 'data');
    const { gone } = await connected(String(rpcUrl));
    parent.kill('SIGKILL');
    await gone;
    const refusal = (): Promise<string> => connected(String(rpcUrl)).then(() => 'connected', String);
    await expect.poll(refusal, { timeout: 5000 }).toContain('ECONNREFUSED');
  });

  it('ends with close, which may be called again', async () => {
    const anvil = await startAnvil({ args: [], port: 0 });
    const { gone } = await connected(anvil.rpcUrl);
    await Promise.all([anvil.close(), anvil.close()]);
    await gone;
    await expect(connected(anvil.rpcUrl)).rejects.toThrow('ECONNREFUSED');
  });

  it('ends with its signal, while it starts and later', async () => {
    const early = new AbortController();
    const starting = startDevnet({ signal: early.signal });
    early.abort(new Error('not wanted any more'));
    await expect(starting).rejects.toThrow('not wanted any more');

    const late = new AbortController();
    const { rpcUrl } = await startDevnet({ signal: late.signal, longLived: true });
    const { gone } = await connected(rpcUrl);
    late.abort();
    await gone;
  });

  it('tells when its process ends by itself', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'turnpike-anvil-'));
    try {
      const binary = join(folder, 'anvil');
      await writeFile(binary, '#!/bin/sh\necho "Listening on 127.0.0.1:1"\n', { mode: 0o755 });
      const { gone } = await startAnvil({ args: [], port: 0, binary });
      await gone;
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('says what is wrong when the port is taken or the machine has no anvil', async () => {
    const port = Number(new URL(devnet.rpcUrl).port);
    await expect(startDevnet({ port })).rejects.toThrow(
      `The local chain did not start: the port ${port} on 127.0.0.1 is in use by another process\ntake another one`,
    );
    await expect(startAnvil({ args: [], port: 0, binary: '/nonexistent' })).rejects.toThrow('did not start');
    expect(() => findAnvil('sunos', 'sparc')).toThrow(/sunos-sparc.*RPC URL/s);
  });
});

/** Connects to the chain; `gone` resolves when the chain's process ends. */
async function connected(rpcUrl: string): Promise<{ readonly gone: Promise<void> }> {
  const socket = connect(Number(new URL(rpcUrl).port), '127.0.0.1');
  await once(socket, 'connect');
  // A process that is killed may reset the connection: that is an `error` before the `close`, and no failure here.
  socket.on('error', () => {}).resume();
  return { gone: new Promise((resolve) => void socket.once('close', () => resolve())) };
}

describe('smart accounts', () => {
  const wrapped = (signature: Hex): Hex =>
    encodeAbiParameters([{ type: 'uint256' }, { type: 'bytes' }], [0n, signature]);

  it('pay with the signature of their owner, bare or wrapped', async () => {
    const key = generatePrivateKey();
    const address = await deploySmartAccount(devnet, privateKeyToAccount(key).address);
    await devnet.mint(address, 2n * PRICE);
    const offer = requirementsOn(devnet);
    for (const payer of [
      { address, key },
      { address, key, wrap: wrapped },
    ]) {
      await expectSettled(await signPayment(devnet, payer, offer));
    }
    expect(await devnet.usdcBalanceOf(offer.payTo as Address)).toBe(2n * PRICE);
  });

  it('refuse what another key signed', async () => {
    const owner = privateKeyToAccount(generatePrivateKey());
    const address = await deploySmartAccount(devnet, owner.address);
    await devnet.mint(address, PRICE);
    const payment = await signPayment(devnet, { address, key: generatePrivateKey() }, requirementsOn(devnet));
    await expect(transferWithAuthorization(devnet, payment)).rejects.toThrow('FiatTokenV2: invalid signature');
  });

  it('pay before they are deployed (ERC-6492)', async () => {
    const factory = await placeAccountFactory(devnet);
    const key = generatePrivateKey();
    const owner = privateKeyToAccount(key).address;
    const address = await smartAccountAddress(devnet, owner);
    await devnet.mint(address, PRICE);
    const data = encodeFunctionData({ abi: ACCOUNT_FACTORY_ABI, functionName: 'deploy', args: [owner, NO_SALT] });
    const wrap = (signature: Hex): Hex => serializeErc6492Signature({ address: factory, data, signature });
    const payment = await signPayment(devnet, { address, key, wrap }, requirementsOn(devnet));
    expect(await clientOf(devnet).getCode({ address })).toBeUndefined();
    await expectSettled(payment, [factory]);
    expect(await clientOf(devnet).getCode({ address })).toBeDefined();
  });
});

describe('the exact Permit2 proxy', () => {
  const permit2Offer = (): PaymentRequirements =>
    requirementsOn(devnet, { extra: { name: 'USDC', version: '2', assetTransferMethod: 'permit2' } });

  it('settles once Permit2 is approved', async () => {
    const payer = await freshPayer(devnet);
    const payment = await signPayment(devnet, payer, permit2Offer());
    expect(await stockFacilitator(devnet).verify(payment, payment.accepted)).toMatchObject({
      isValid: false,
      invalidReason: 'permit2_allowance_required',
    });
    await approvePermit2(devnet, payer.key);
    await expectSettled(payment);
    const again = await stockFacilitator(devnet).settle(payment, payment.accepted);
    expect(again).toMatchObject({ success: false });
    expect(await clientOf(devnet).getBalance({ address: payer.address })).toBe(0n);
  });

  it('settles with an EIP-2612 permit for a payer that approved nothing', async () => {
    const payer = await freshPayer(devnet);
    const extensions = { eip2612GasSponsoring: { info: {}, schema: {} } };
    const payment = await signPayment(devnet, payer, permit2Offer(), extensions);
    expect(payment.extensions).toHaveProperty('eip2612GasSponsoring.info.signature');
    await expectSettled(payment);
  });

  it('pays only the recipient that the payer signed, and names what it refuses', async () => {
    const payer = await freshPayer(devnet);
    await approvePermit2(devnet, payer.key);
    const payment = await signPayment(devnet, payer, permit2Offer());
    const { settler, payee } = devnet.accounts;
    const settle = async (change: { to?: Address; validAfter?: bigint; amount?: bigint; owner?: Address }) => {
      const signed = payment.payload['permit2Authorization'] as { nonce: string; deadline: string };
      const { to = payee.address, validAfter = 0n, amount = PRICE, owner = payer.address } = change;
      const permitted = { token: devnet.usdc, amount };
      const permit = { permitted, nonce: BigInt(signed.nonce), deadline: BigInt(signed.deadline) };
      await clientOf(devnet).simulateContract({
        account: settler.address,
        address: EXACT_PERMIT2_PROXY,
        abi: [...x402ExactPermit2ProxyABI, ...parseAbi(['error InvalidSigner()'])],
        functionName: 'settle',
        args: [permit, owner, { to, validAfter }, payment.payload['signature'] as Hex],
      });
    };
    const nobody = `0x${'00'.repeat(20)}` as const;
    await expect(settle({ to: settler.address })).rejects.toThrow('InvalidSigner');
    await expect(settle({ to: nobody })).rejects.toThrow('InvalidDestination');
    await expect(settle({ owner: nobody })).rejects.toThrow('InvalidOwner');
    await expect(settle({ amount: 0n })).rejects.toThrow('InvalidAmount');
    await expect(settle({ validAfter: 1n << 40n })).rejects.toThrow('PaymentTooEarly');
    await settle({ to: payment.accepted.payTo as Address });
  });
});

describe('hostile tokens', () => {
  const at: Address = '0xbad0000000000000000000000000000000000001';

  async function payWith(name: 'FeeToken' | 'SilentToken', token: Address): Promise<PaymentPayload> {
    await placeContract(devnet, name, token);
    const payer = await freshPayer(devnet);
    await clientOf(devnet).writeContractSync({
      account: privateKeyToAccount(devnet.accounts.settler.key),
      address: token,
      abi: TOKEN_ABI,
      functionName: 'mint',
      args: [payer.address, PRICE],
    });
    return await signPayment(devnet, payer, requirementsOn(devnet, { asset: token }));
  }

  it('deliver less than was authorized', async () => {
    const payment = await payWith('FeeToken', at);
    const { logs } = await transferWithAuthorization(devnet, payment);
    const transfers = parseEventLogs({ abi: TOKEN_ABI, eventName: 'Transfer', logs });
    expect(transfers.map((log) => log.args.value)).toEqual([500n, 9_500n]);
  });

  it('succeed on a used nonce without moving anything', async () => {
    const payment = await payWith('SilentToken', `${at.slice(0, -1)}2` as Address);
    await transferWithAuthorization(devnet, payment);
    const { status, logs } = await transferWithAuthorization(devnet, payment);
    expect(status).toBe('success');
    expect(parseEventLogs({ abi: TOKEN_ABI, logs }).map((log) => log.eventName)).toEqual(['AuthorizationAlreadyUsed']);
  });
});

/** Has the stock facilitator verify and settle a payment. */
async function expectSettled(payment: PaymentPayload, factories: string[] = []): Promise<void> {
  const facilitator = stockFacilitator(devnet, factories);
  const before = await devnet.usdcBalanceOf(payment.accepted.payTo as Address);
  expect(await facilitator.verify(payment, payment.accepted)).toMatchObject({ isValid: true });
  expect(await facilitator.settle(payment, payment.accepted)).toMatchObject({ success: true });
  expect(await devnet.usdcBalanceOf(payment.accepted.payTo as Address)).toBe(before + PRICE);
}
