import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eip3009ABI } from '@x402/evm';
import { encodeAbiParameters, encodeFunctionData, type Hex, parseAbi, serializeErc6492Signature } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseAmount } from '../../src/domain/amount.ts';
import type { TransferMethod } from '../../src/domain/asset.ts';
import type { LocalFacilitatorSpec } from '../../src/domain/facilitator-spec.ts';
import type { Payment, PaymentKey } from '../../src/domain/payment.ts';
import type { JsonObject } from '../../src/domain/x402.ts';
import type { Facilitator, Journal } from '../../src/facilitator/facilitator.ts';
import { openLocalFacilitator } from '../../src/facilitator/local/local-facilitator.ts';
import {
  ACCOUNT_FACTORY,
  ACCOUNT_FACTORY_ABI,
  approvePermit2,
  authorizationOf,
  clientOf,
  type Devnet,
  deploySmartAccount,
  freshPayer,
  type Payer,
  placeAccountFactory,
  placeContract,
  requirementsOn,
  setBalance,
  signPayment,
  smartAccountAddress,
  startDevnet,
} from '../support/devnet.ts';
import { forgettingStates, openLimitedNode } from '../support/limited-node.ts';
import { localSpec } from '../support/local-spec.ts';
import { settleInFull } from '../support/settle-in-full.ts';

/** A ledger that takes everything. */
const written: Journal = async () => {};
const PRICE = 10_000n;
const ONE_ETHER = 10n ** 18n;
const GWEI = 10n ** 9n;
/** An account that anvil unlocks; it stands for everybody else. */
const STRANGER: Hex = '0x976EA74026E726554dB657fA54763abd0C3a0aa9';
const MINT_ABI = parseAbi(['function mint(address to, uint256 value)', 'function transfer(address to, uint256 value)']);

let devnet: Devnet;
let settlerKey: Hex;
const opened: Facilitator[] = [];

beforeAll(async () => {
  devnet = await startDevnet();
});
beforeEach(async () => {
  // A settler of its own for each test, so that tests do not share account numbers.
  settlerKey = generatePrivateKey();
  await setBalance(devnet, settler(), ONE_ETHER);
});
afterAll(async () => {
  await Promise.all(opened.map((facilitator) => facilitator.close()));
  await devnet.close();
});

describe('what the local facilitator supports', () => {
  it('is exact and, for its own account, upto on each network, both with sponsored approvals', async () => {
    const kinds = await open().supported(signal());
    const on = { x402Version: 2, network: devnet.network, extensions: ['eip2612GasSponsoring'] };
    const extra = { facilitatorAddress: expect.stringMatching(/^0x[0-9a-fA-F]{40}$/) };
    expect(kinds).toEqual([
      { ...on, scheme: 'exact' },
      { ...on, scheme: 'upto', extra },
    ]);
  });

  it('is a fault, not a list, when the node serves another chain', async () => {
    const rpc = await startRpcProxy(devnet.rpcUrl, { chainId: '0x1' });
    const facilitator = open({ rpc: new Map([[devnet.network, rpc.url]]) });
    await expect(facilitator.supported(signal())).rejects.toMatchObject({ code: 'facilitator_invalid_answer' });
    const { payment } = await paid();
    await expect(facilitator.verify(payment, signal())).rejects.toMatchObject({ code: 'facilitator_invalid_answer' });
    await expect(settleInFull(facilitator, payment, written)).rejects.toMatchObject({
      code: 'facilitator_invalid_answer',
    });
    expect(rpc.sent()).toEqual([]);
    await rpc.close();
  });

  it('is a fault while the node is away', async () => {
    const rpc = await startRpcProxy(devnet.rpcUrl);
    await rpc.close();
    const facilitator = open({ rpc: new Map([[devnet.network, rpc.url]]) });
    await expect(facilitator.supported(signal())).rejects.toMatchObject({ code: 'facilitator_unreachable' });
    const { payment } = await paid();
    await expect(facilitator.verify(payment, signal())).rejects.toMatchObject({ code: 'facilitator_unreachable' });
    await expect(settleInFull(facilitator, payment, written)).rejects.toMatchObject({
      code: 'facilitator_unreachable',
    });
  });
});

describe('an EIP-3009 payment', () => {
  it('is verified and settled, and the payee has exactly the price', async () => {
    const facilitator = open();
    const { payment, payTo, payer } = await paid();
    expect(await facilitator.verify(payment, signal())).toEqual({ kind: 'valid', payer: payer.address.toLowerCase() });
    const outcome = await settleInFull(facilitator, payment, written);
    expect(outcome).toMatchObject({ kind: 'settled', settlement: { amount: PRICE } });
    expect(await devnet.usdcBalanceOf(payTo)).toBe(PRICE);
  });

  it('is settled with a hundred others at once, each exactly once', async () => {
    const facilitator = open();
    const payTo = privateKeyToAccount(generatePrivateKey()).address;
    const payer = await freshPayer(devnet);
    await devnet.mint(payer.address, 100n * PRICE);
    const payments = await Promise.all(Array.from({ length: 100 }, async () => (await paid({ payer, payTo })).payment));
    const outcomes = await Promise.all(payments.map((payment) => settleInFull(facilitator, payment, written)));
    expect(outcomes.filter(({ kind }) => kind !== 'settled')).toEqual([]);
    expect(await devnet.usdcBalanceOf(payTo)).toBe(100n * PRICE);
    const transactions = new Set(
      outcomes.map((outcome) => (outcome.kind === 'settled' ? outcome.settlement.transaction : '')),
    );
    expect(await sentCount()).toBe(transactions.size);
    expect(transactions.size).toBeLessThan(20);
  });

  it('that is settled twice at once is sent once', async () => {
    const facilitator = open();
    const { payment, payTo } = await paid();
    const outcomes = await Promise.all([
      settleInFull(facilitator, payment, written),
      settleInFull(facilitator, payment, written),
    ]);
    expect(outcomes[0]).toMatchObject({ kind: 'settled' });
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(await devnet.usdcBalanceOf(payTo)).toBe(PRICE);
    expect(await sentCount()).toBe(1);
  });

  it('keeps working when somebody else used the account number that was next', async () => {
    const facilitator = open();
    expect(await settleInFull(facilitator, (await paid()).payment, written)).toMatchObject({ kind: 'settled' });
    const account = privateKeyToAccount(settlerKey);
    await clientOf(devnet).sendTransactionSync({ account, to: account.address, value: 1n });
    expect(await settleInFull(facilitator, (await paid()).payment, written)).toMatchObject({ kind: 'settled' });
    expect(await sentCount()).toBe(3);
  });

  it.each([
    ['for another recipient', { payTo: STRANGER }, 'invalid_exact_evm_recipient_mismatch'],
    ['of another amount', { amount: '20000' }, 'invalid_exact_evm_payload_authorization_value_mismatch'],
    ['under another token name', { extra: { name: 'USD Coin', version: '2' } }, 'invalid_exact_evm_signature'],
  ])('%s is refused, and never sent', async (_, change, reason) => {
    const facilitator = open();
    const { payment } = await paid();
    const other = await paid({ signedFor: change, payTo: payment.offer.payTo as Hex });
    expect(await facilitator.verify(other.payment, signal())).toEqual({ kind: 'invalid', reason });
    expect(await settleInFull(facilitator, other.payment, written)).toMatchObject({ kind: 'failed' });
    expect(await sentCount()).toBe(0);
  });

  it('that is about to expire is refused, and not sent', async () => {
    const { payment } = await paid();
    const late = open({}, () => payment.authorization.expiresAt * 1000 - 5_000);
    const reason = 'invalid_exact_evm_payload_authorization_valid_before';
    expect(await late.verify(payment, signal())).toEqual({ kind: 'invalid', reason });
    expect(await settleInFull(late, payment, written)).toEqual({ kind: 'failed', reason });
    expect(await sentCount()).toBe(0);
  });

  it('whose payer drained the account after verification fails without a transaction', async () => {
    const facilitator = open();
    const { payment, payer } = await paid();
    expect(await facilitator.verify(payment, signal())).toMatchObject({ kind: 'valid' });
    await asPayer(
      payer,
      devnet.usdc,
      encodeFunctionData({ abi: MINT_ABI, functionName: 'transfer', args: [STRANGER, 1_000_000n] }),
    );
    const reason = 'invalid_exact_evm_insufficient_balance';
    expect(await settleInFull(facilitator, payment, written)).toEqual({ kind: 'failed', reason });
    expect(await facilitator.verify(payment, signal())).toMatchObject({ kind: 'invalid', reason });
    expect(await sentCount()).toBe(0);
  });

  it('that was cancelled does not count as paid, although its nonce is used', async () => {
    const facilitator = open();
    const { payment, payer, payTo, nonce } = await paid();
    const signature = await privateKeyToAccount(payer.key).signTypedData({
      domain: { name: 'USDC', version: '2', chainId: devnet.chainId, verifyingContract: devnet.usdc },
      types: {
        CancelAuthorization: [
          { name: 'authorizer', type: 'address' },
          { name: 'nonce', type: 'bytes32' },
        ],
      },
      primaryType: 'CancelAuthorization',
      message: { authorizer: payer.address, nonce },
    });
    const abi = parseAbi(['function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)']);
    await asStranger(devnet.usdc, encodeFunctionData({ abi, args: [payer.address, nonce, signature] }));
    const reason = 'invalid_exact_evm_nonce_already_used';
    expect(await facilitator.verify(payment, signal())).toEqual({ kind: 'invalid', reason });
    expect(await settleInFull(facilitator, payment, written)).toEqual({ kind: 'failed', reason });
    expect(await devnet.usdcBalanceOf(payTo)).toBe(0n);
  });

  it('that a stranger sent before us is settled with the hash of the stranger', async () => {
    const facilitator = open();
    const { payment, transferData } = await paid();
    const theirs = await asStranger(devnet.usdc, transferData);
    expect(await settleInFull(facilitator, payment, written)).toMatchObject({
      kind: 'settled',
      settlement: { transaction: theirs },
    });
    expect(await sentCount()).toBe(0);
  });

  it('that a stranger sent in the same block, ahead of us, is settled with the hash of the stranger', async () => {
    const facilitator = open();
    const { payment, payTo, transferData } = await paid();
    const client = clientOf(devnet);
    await client.setAutomine(false);
    await client.setIntervalMining({ interval: 0 });
    try {
      const settling = settleInFull(facilitator, payment, written);
      await vi.waitFor(async () => expect((await client.getTxpoolStatus()).pending).toBe(1), 10_000);
      const tip = { maxFeePerGas: 500n * GWEI, maxPriorityFeePerGas: 400n * GWEI, gas: 200_000n };
      const theirs = await client.sendTransaction({ account: STRANGER, to: devnet.usdc, data: transferData, ...tip });
      await client.mine({ blocks: 1 });
      expect(await settling).toMatchObject({ kind: 'settled', settlement: { transaction: theirs } });
      expect(await sentCount()).toBe(1);
      expect(await devnet.usdcBalanceOf(payTo)).toBe(PRICE);
    } finally {
      await client.setIntervalMining({ interval: 2 });
      await client.setAutomine(true);
    }
  });

  it('in a token that keeps a fee does not count as paid', async () => {
    const asset = await hostileToken('FeeToken');
    const { payment } = await paid({ asset });
    expect(await settleInFull(open(), payment, written)).toMatchObject({
      kind: 'failed',
      reason: 'invalid_exact_evm_transfer_event_mismatch',
    });
  });

  it('in a token that succeeds on a used nonce is settled by proof only', async () => {
    const asset = await hostileToken('SilentToken');
    const facilitator = open();
    const first = await paid({ asset });
    expect(await settleInFull(facilitator, first.payment, written)).toMatchObject({ kind: 'settled' });
    const reason = 'invalid_exact_evm_nonce_already_used';
    expect(await facilitator.verify(first.payment, signal())).toEqual({ kind: 'invalid', reason });
    const second = await paid({ asset });
    const theirs = await asStranger(asset, second.transferData);
    expect(await settleInFull(facilitator, second.payment, written)).toMatchObject({
      kind: 'settled',
      settlement: { transaction: theirs },
    });
  });

  it('in an asset without code is refused, and not sent', async () => {
    const facilitator = open();
    const { payment } = await paid({ asset: privateKeyToAccount(generatePrivateKey()).address });
    const reason = 'asset_not_deployed_contract';
    expect(await facilitator.verify(payment, signal())).toEqual({ kind: 'invalid', reason });
    expect(await settleInFull(facilitator, payment, written)).toMatchObject({ kind: 'failed', reason });
    expect(await sentCount()).toBe(0);
  });

  it('waits for as many confirmations as are asked for', async () => {
    const facilitator = open({ confirmations: 3, settleTimeoutMs: 4000 });
    const { payment, payTo } = await paid();
    const outcome = await settleInFull(facilitator, payment, written);
    expect(outcome).toMatchObject({ kind: 'unknown', reason: 'settlement_pending' });
    expect(await devnet.usdcBalanceOf(payTo)).toBe(PRICE);
    await clientOf(devnet).mine({ blocks: 2 });
    expect(await settleInFull(facilitator, payment, written)).toMatchObject({ kind: 'settled' });
    expect(await sentCount()).toBe(1);
  });
});

describe('a smart account', () => {
  it.each([
    ['a plain owner signature', (signature: Hex) => signature],
    ['a longer signature of its own form', wrapForAccount],
  ])('pays with %s', async (_, wrap) => {
    const owner = await freshPayer(devnet);
    const address = await deploySmartAccount(devnet, owner.address);
    await devnet.mint(address, PRICE);
    const { payment, payTo } = await paid({ payer: { address, key: owner.key, wrap } });
    const facilitator = open();
    expect(await facilitator.verify(payment, signal())).toMatchObject({ kind: 'valid' });
    expect(await settleInFull(facilitator, payment, written)).toMatchObject({ kind: 'settled' });
    expect(await devnet.usdcBalanceOf(payTo)).toBe(PRICE);
  });

  it('does not pay with the signature of somebody else', async () => {
    const owner = await freshPayer(devnet);
    const address = await deploySmartAccount(devnet, owner.address);
    await devnet.mint(address, PRICE);
    const { payment } = await paid({ payer: { address, key: generatePrivateKey() } });
    const reason = 'invalid_exact_evm_signature';
    expect(await open().verify(payment, signal())).toEqual({ kind: 'invalid', reason });
  });

  it('that burns gas in its signature check costs us nothing', async () => {
    const payer = await freshPayer(devnet);
    await clientOf(devnet).setCode({ address: payer.address, bytecode: '0x5b600056' }); // jumps to itself for ever
    const { payment } = await paid({ payer });
    const facilitator = open();
    expect(await facilitator.verify(payment, signal())).toEqual({
      kind: 'invalid',
      reason: 'invalid_exact_evm_signature',
    });
    expect(await settleInFull(facilitator, payment, written)).toMatchObject({ kind: 'failed' });
    expect(await sentCount()).toBe(0);
  });

  it('that does not exist yet is refused unless its factory is in the list', async () => {
    const { payment } = await paid({ payer: await unmadeAccount() });
    const reason = 'eip6492_factory_not_allowed';
    const facilitator = open({ eip6492Factories: [STRANGER] });
    expect(await facilitator.verify(payment, signal())).toEqual({ kind: 'invalid', reason });
    expect(await settleInFull(facilitator, payment, written)).toEqual({ kind: 'failed', reason });
    expect(await sentCount()).toBe(0);
  });

  it('that does not exist yet is made and pays in one transaction when its factory is in the list', async () => {
    const payer = await unmadeAccount();
    const { payment, payTo } = await paid({ payer });
    const facilitator = open({ eip6492Factories: [ACCOUNT_FACTORY] });
    expect(await facilitator.verify(payment, signal())).toMatchObject({ kind: 'valid' });
    expect(await settleInFull(facilitator, payment, written)).toMatchObject({ kind: 'settled' });
    expect(await devnet.usdcBalanceOf(payTo)).toBe(PRICE);
    expect(await clientOf(devnet).getCode({ address: payer.address })).toBeDefined();
    expect(await sentCount()).toBe(1);
    const again = await paid({ payer });
    expect(await settleInFull(facilitator, again.payment, written)).toMatchObject({ kind: 'settled' });
  });
});

describe('a Permit2 payment', () => {
  it('needs the allowance first, and is settled with it once', async () => {
    const facilitator = open();
    const { payment, payer, payTo } = await paid({ method: 'permit2' });
    const reason = 'permit2_allowance_required';
    const words = /^Permit2 may take 0 USDC of the account on \S+, and [\d.]+ USDC is needed\.$/;
    expect(await facilitator.verify(payment, signal())).toEqual({
      kind: 'invalid',
      reason,
      words: expect.stringMatching(words),
    });
    expect(await settleInFull(facilitator, payment, written)).toEqual({ kind: 'failed', reason });
    await approvePermit2(devnet, payer.key);
    expect(await facilitator.verify(payment, signal())).toMatchObject({ kind: 'valid' });
    const outcome = await settleInFull(facilitator, payment, written);
    expect(outcome).toMatchObject({ kind: 'settled' });
    expect(await facilitator.verify(payment, signal())).toEqual({ kind: 'invalid', reason: 'permit2_invalid_nonce' });
    // Asked again, the proof is found: nothing moves a second time.
    expect(await settleInFull(facilitator, payment, written)).toEqual(outcome);
    expect(await devnet.usdcBalanceOf(payTo)).toBe(PRICE);
    expect(await sentCount()).toBe(1);
  });

  it('whose nonce was given up is not proved by an equal payment of the same payer', async () => {
    const node = await openLimitedNode(devnet.rpcUrl, forgettingStates());
    const facilitator = open({ rpc: new Map([[devnet.network, node.url]]) });
    const { payment, payer, payTo, nonce } = await paid({ method: 'permit2' });
    await approvePermit2(devnet, payer.key);
    expect(
      await settleInFull(facilitator, (await paid({ method: 'permit2', payer, payTo })).payment, written),
    ).toMatchObject({
      kind: 'settled',
    });
    const abi = parseAbi(['function invalidateUnorderedNonces(uint256 word, uint256 mask)']);
    const args = [BigInt(nonce) >> 8n, 1n << (BigInt(nonce) & 255n)] as const;
    await asPayer(payer, '0x000000000022D473030F116dDEE9F6B43aC78BA3', encodeFunctionData({ abi, args }));
    await clientOf(devnet).mine({ blocks: 90, interval: 0 });
    expect(await settleInFull(facilitator, payment, written)).toEqual({
      kind: 'failed',
      reason: 'permit2_invalid_nonce',
    });
    await node.close();
  });
});

describe('a settlement in trouble', () => {
  it('is unknown when the node dies after the send, and is never sent as another transaction', async () => {
    const rpc = await startRpcProxy(devnet.rpcUrl);
    const facilitator = open({ rpc: new Map([[devnet.network, rpc.url]]), settleTimeoutMs: 1_500 });
    const { payment, payTo } = await paid();
    expect(await facilitator.verify(payment, signal())).toMatchObject({ kind: 'valid' });
    rpc.dieAfterSend();
    const outcome = await settleInFull(facilitator, payment, written);
    expect(outcome).toEqual({
      kind: 'unknown',
      reason: 'settlement_pending',
      transaction: expect.stringMatching(/^0x/),
    });
    rpc.revive();
    expect(await settleInFull(facilitator, payment, written)).toEqual({
      kind: 'settled',
      settlement: {
        transaction: outcome.kind === 'unknown' ? outcome.transaction : '',
        payer: payment.authorization.payer,
        amount: PRICE,
      },
    });
    expect(new Set(rpc.sent()).size).toBe(1);
    expect(await devnet.usdcBalanceOf(payTo)).toBe(PRICE);
    expect(await settleInFull(facilitator, (await paid()).payment, written)).toMatchObject({ kind: 'settled' });
    await rpc.close();
  });

  it('is sent again as the same bytes when the send never arrived', async () => {
    const rpc = await startRpcProxy(devnet.rpcUrl);
    const facilitator = open({ rpc: new Map([[devnet.network, rpc.url]]), settleTimeoutMs: 1_000 });
    const { payment } = await paid();
    expect(await facilitator.verify(payment, signal())).toMatchObject({ kind: 'valid' });
    rpc.dieBeforeSend();
    expect(await settleInFull(facilitator, payment, written)).toMatchObject({ kind: 'unknown' });
    rpc.revive();
    expect(await settleInFull(facilitator, payment, written)).toMatchObject({ kind: 'settled' });
    expect(new Set(rpc.sent()).size).toBe(1);
    expect(await sentCount()).toBe(1);
    await rpc.close();
  });

  it('leaves no gap when the send never arrived: later payments send it again', async () => {
    const rpc = await startRpcProxy(devnet.rpcUrl);
    const facilitator = open({ rpc: new Map([[devnet.network, rpc.url]]), settleTimeoutMs: 1_000 });
    const lost = await paid();
    expect(await facilitator.verify(lost.payment, signal())).toMatchObject({ kind: 'valid' });
    rpc.dieBeforeSend();
    expect(await settleInFull(facilitator, lost.payment, written)).toMatchObject({ kind: 'unknown' });
    expect(await sentCount()).toBe(0);
    rpc.revive();
    expect(await settleInFull(facilitator, (await paid()).payment, written)).toMatchObject({ kind: 'settled' });
    expect(await settleInFull(facilitator, lost.payment, written)).toMatchObject({ kind: 'settled' });
    expect(await devnet.usdcBalanceOf(lost.payTo)).toBe(PRICE);
    expect(await sentCount()).toBe(2);
    await rpc.close();
  });

  it('is mined with higher fees when gas has become dearer than it pays, and holds up no later payment', async () => {
    const client = clientOf(devnet);
    const [first, second] = [await paid(), await paid()];
    let now = Date.now();
    const facilitator = open({ settleTimeoutMs: 1_000 }, () => now);
    await client.setAutomine(false);
    await client.setIntervalMining({ interval: 0 });
    try {
      expect(await settleInFull(facilitator, first.payment, written)).toMatchObject({ kind: 'unknown' });
      await client.setNextBlockBaseFeePerGas({ baseFeePerGas: 30n * GWEI });
      await client.mine({ blocks: 1 });
      expect(await sentCount()).toBe(0);
      now += 10_000;
      expect(await settleInFull(facilitator, second.payment, written)).toMatchObject({ kind: 'unknown' });
      await client.mine({ blocks: 1 });
      expect(await sentCount()).toBe(2);
      expect([await devnet.usdcBalanceOf(first.payTo), await devnet.usdcBalanceOf(second.payTo)]).toEqual([
        PRICE,
        PRICE,
      ]);
    } finally {
      await client.setNextBlockBaseFeePerGas({ baseFeePerGas: GWEI });
      await client.mine({ blocks: 1 });
      await client.setIntervalMining({ interval: 2 });
      await client.setAutomine(true);
    }
  });

  it('is refused clearly while the key has no gas money, and leaves no gap', async () => {
    let now = Date.now();
    const facilitator = open({}, () => now);
    await setBalance(devnet, settler(), 0n);
    const { payment } = await paid();
    const broke = { code: 'facilitator_overloaded', detail: 'The settling account cannot pay for gas.' };
    await expect(facilitator.verify(payment, signal())).rejects.toMatchObject(broke);
    await expect(settleInFull(facilitator, payment, written)).rejects.toMatchObject(broke);
    await setBalance(devnet, settler(), ONE_ETHER);
    now += 2_000;
    expect(await settleInFull(facilitator, payment, written)).toMatchObject({ kind: 'settled' });
    expect(await sentCount()).toBe(1);
  });

  it('gives back the account numbers that the node refused when the gas money runs out among many', async () => {
    let now = Date.now();
    const facilitator = open({}, () => now);
    const payments = await Promise.all(Array.from({ length: 40 }, async () => (await paid()).payment));
    expect(await facilitator.verify(payments[0] as Payment, signal())).toMatchObject({ kind: 'valid' });
    await setBalance(devnet, settler(), 0n);
    const refused = await Promise.allSettled(payments.map((payment) => settleInFull(facilitator, payment, written)));
    expect(refused.map(({ status }) => status)).toEqual(Array(40).fill('rejected'));
    await setBalance(devnet, settler(), ONE_ETHER);
    now += 2_000;
    const outcomes = await Promise.all(payments.map((payment) => settleInFull(facilitator, payment, written)));
    expect(outcomes.filter(({ kind }) => kind !== 'settled')).toEqual([]);
    expect(await sentCount()).toBe(3);
  });

  it('is refused before it is sent when gas costs more than the limit', async () => {
    const facilitator = open({ maxFeePerGas: 1n });
    const { payment } = await paid();
    const expensive = { code: 'facilitator_overloaded', detail: 'Gas costs more than the configured limit right now.' };
    await expect(facilitator.verify(payment, signal())).rejects.toMatchObject(expensive);
    await expect(settleInFull(facilitator, payment, written)).rejects.toMatchObject(expensive);
    expect(await sentCount()).toBe(0);
  });

  it('is told to the log without keys, signatures or payloads', async () => {
    const lines: string[] = [];
    const facilitator = open({ maxFeePerGas: 1n }, undefined, lines);
    const { payment } = await paid();
    await expect(settleInFull(facilitator, payment, written)).rejects.toMatchObject({ code: 'facilitator_overloaded' });
    expect(lines).toHaveLength(1);
    const signature = String(payment.submission.payload.payload['signature']);
    for (const secret of [settlerKey, settlerKey.slice(2), signature, devnet.rpcUrl])
      expect(lines[0]).not.toContain(secret);
  });

  it('is waited for by close, after which nothing new is taken', async () => {
    const facilitator = open();
    const { payment, payTo } = await paid();
    const settling = settleInFull(facilitator, payment, written);
    await facilitator.close();
    expect(await devnet.usdcBalanceOf(payTo)).toBe(PRICE);
    expect(await settling).toMatchObject({ kind: 'settled' });
    await expect(settleInFull(facilitator, payment, written)).rejects.toMatchObject({ code: 'shutting_down' });
  });

  it('shares its account numbers with a facilitator that a reload opened beside it', async () => {
    const node = await startRpcProxy(devnet.rpcUrl);
    const rpc = new Map([[devnet.network, node.url]]);
    const [old, fresh] = [open({ rpc }), open({ rpc, maxFeePerGas: 50n * GWEI })];
    const payments = await Promise.all(Array.from({ length: 40 }, async () => (await paid()).payment));
    const outcomes = await Promise.all(
      payments.map((payment, index) => settleInFull(index % 2 === 0 ? old : fresh, payment, written)),
    );
    expect(outcomes.filter(({ kind }) => kind !== 'settled')).toEqual([]);
    expect(await sentCount()).toBe(4);
    expect(node.sent()).toHaveLength(4);
    await node.close();
  });
});

function open(
  change: Partial<LocalFacilitatorSpec> = {},
  clock: () => number = Date.now,
  lines: string[] = [],
): Facilitator {
  const spec = localSpec(devnet, settlerKey, change);
  const logger = { warn: (facts: object, message: string) => lines.push(JSON.stringify({ ...facts, message })) };
  const facilitator = openLocalFacilitator(spec, { clock, logger });
  opened.push(facilitator);
  return facilitator;
}

function settler(): Hex {
  return privateKeyToAccount(settlerKey).address;
}

/** How many transactions our account has on chain. */
async function sentCount(): Promise<number> {
  return await clientOf(devnet).getTransactionCount({ address: settler() });
}

function signal(): AbortSignal {
  return AbortSignal.timeout(10_000);
}

interface PaidOptions {
  readonly payer?: Payer;
  readonly payTo?: Hex;
  readonly asset?: Hex;
  readonly method?: TransferMethod;
  /** What is signed instead of the offer. */
  readonly signedFor?: Partial<ReturnType<typeof requirementsOn>>;
}

/** An offer, and a payment for it that the stock client signed. */
async function paid(options: PaidOptions = {}) {
  const { asset = devnet.usdc, method = 'eip3009', payer = await freshPayer(devnet) } = options;
  const extra = method === 'permit2' ? { assetTransferMethod: 'permit2' } : { name: 'USDC', version: '2' };
  const payTo = options.payTo ?? privateKeyToAccount(generatePrivateKey()).address;
  const requirements = requirementsOn(devnet, { asset, payTo, extra });
  if (asset !== devnet.usdc) {
    const mint = encodeFunctionData({ abi: MINT_ABI, functionName: 'mint', args: [payer.address, 1_000_000n] });
    await asStranger(asset, mint);
  }
  const signed = await signPayment(devnet, payer, { ...requirements, ...options.signedFor });
  const payload = JSON.parse(JSON.stringify(signed.payload)) as JsonObject;
  const authorization = (payload['authorization'] ?? payload['permit2Authorization']) as Record<string, string>;
  const nonce = authorization['nonce'] as Hex;
  const amount = parseAmount(requirements.amount);
  if (amount === undefined) throw new Error('the price of the test is no amount');
  const wire = { ...requirements, extra };
  const payment: Payment = {
    submission: { version: 2, payload: { x402Version: 2, accepted: wire, payload } },
    offer: {
      scheme: 'exact',
      network: devnet.network,
      asset: {
        network: devnet.network,
        address: asset,
        symbol: 'USDC',
        decimals: 6,
        name: 'USDC',
        version: '2',
        transferMethod: method,
      },
      amount,
      payTo,
      maxTimeoutSeconds: 60,
      v1Network: 'base-sepolia',
      requirements: wire,
    },
    resourceUrl: 'https://api.example.com/paid',
    authorization: {
      key: `${method}|${payer.address}|${nonce}` as PaymentKey,
      payer: payer.address.toLowerCase(),
      expiresAt: Number(authorization['validBefore'] ?? authorization['deadline']),
      digest: '',
      proved: false,
    },
  };
  const signature = payload['signature'] as Hex;
  const transferData: Hex =
    method === 'permit2'
      ? '0x'
      : encodeFunctionData({
          abi: eip3009ABI,
          functionName: 'transferWithAuthorization',
          args: [...authorizationOf(signed), signature],
        });
  return { payment, payer, payTo, nonce, transferData };
}

/** The form of a signature that accounts with several owners take. */
function wrapForAccount(signature: Hex): Hex {
  return encodeAbiParameters([{ type: 'uint256' }, { type: 'bytes' }], [0n, signature]);
}

async function unmadeAccount(): Promise<Payer> {
  const owner = await freshPayer(devnet);
  await placeAccountFactory(devnet);
  const salt: Hex = `0x${'00'.repeat(32)}`;
  const address = await smartAccountAddress(devnet, owner.address, salt);
  await devnet.mint(address, 10n * PRICE);
  const data = encodeFunctionData({ abi: ACCOUNT_FACTORY_ABI, functionName: 'deploy', args: [owner.address, salt] });
  const wrap = (signature: Hex): Hex => serializeErc6492Signature({ address: ACCOUNT_FACTORY, data, signature });
  return { address, key: owner.key, wrap };
}

async function hostileToken(name: 'FeeToken' | 'SilentToken'): Promise<Hex> {
  const address = privateKeyToAccount(generatePrivateKey()).address;
  await placeContract(devnet, name, address);
  return address;
}

async function asStranger(to: Hex, data: Hex): Promise<Hex> {
  const receipt = await clientOf(devnet).sendTransactionSync({ account: STRANGER, to, data });
  expect(receipt.status).toBe('success');
  return receipt.transactionHash;
}

async function asPayer(payer: Payer, to: Hex, data: Hex): Promise<void> {
  await setBalance(devnet, payer.address, ONE_ETHER);
  const account = privateKeyToAccount(payer.key);
  expect((await clientOf(devnet).sendTransactionSync({ account, to, data })).status).toBe('success');
}

/** A proxy of the node that can be cut off, and that records what was sent. */
async function startRpcProxy(target: string, lies: { readonly chainId?: Hex } = {}) {
  const sent: string[] = [];
  let dies: 'never' | 'before send' | 'after send' | 'now' = 'never';
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const calls = [JSON.parse(body)].flat() as { id: number; method: string; params: string[] }[];
    const raws = calls.filter(({ method }) => method === 'eth_sendRawTransaction').map(({ params }) => params[0] ?? '');
    sent.push(...raws);
    if (dies === 'before send' && raws.length > 0) dies = 'now';
    if (dies === 'now') return request.socket.destroy();
    const headers = { 'content-type': 'application/json' };
    const answer = await (await fetch(target, { method: 'POST', headers, body })).text();
    if (dies === 'after send' && raws.length > 0) {
      dies = 'now';
      return request.socket.destroy();
    }
    const lie = calls.map(({ id }) => ({ jsonrpc: '2.0', id, result: lies.chainId }));
    return response.writeHead(200, headers).end(lies.chainId === undefined ? answer : JSON.stringify(lie));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Raw transactions that came, in order. */
    sent: () => [...sent],
    dieAfterSend: () => {
      dies = 'after send';
    },
    dieBeforeSend: () => {
      dies = 'before send';
    },
    revive: () => {
      dies = 'never';
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
