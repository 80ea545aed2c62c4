import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Hex, keccak256, parseTransaction } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterEach, describe, expect, it } from 'vitest';
import { parseNetwork } from '../../../../src/domain/network.ts';
import { PERMIT2 } from '../../../../src/evm/addresses.ts';
import type { Call } from '../../../../src/facilitator/chain/chain-facts.ts';
import { ChainNode } from '../../../../src/facilitator/chain/chain-node.ts';
import { TransactionWriter, type WriteDown } from '../../../../src/facilitator/local/transaction-writer.ts';

/** What the scripted node says to a raw transaction: nothing is "accepted". */
type Say = { readonly code: number; readonly message: string } | undefined;

/** A ledger that takes everything. */
const written: WriteDown = async () => {};
const FEES = { maxFeePerGas: 2n, maxPriorityFeePerGas: 1n, gasPrice: 1n };
const CALL: Call = { to: PERMIT2, data: '0x', gas: 21_000n };
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

describe('the transaction writer', () => {
  it('counts on from what the node has pending', async () => {
    const node = await scriptedNode({ pending: 7 });
    await Promise.all([
      node.writer.send(CALL, FEES, written),
      node.writer.send(CALL, FEES, written),
      node.writer.send(CALL, FEES, written),
    ]);
    expect(node.accepted()).toEqual([7, 8, 9]);
  });

  it('uses the number of a refused transaction again', async () => {
    const node = await scriptedNode({
      says: [{ code: -32000, message: 'insufficient funds for gas * price + value' }],
    });
    expect(await node.writer.send(CALL, FEES, written)).toEqual({ kind: 'refused', why: 'funds' });
    expect(await node.writer.send(CALL, FEES, written)).toMatchObject({ kind: 'sent' });
    expect(node.accepted()).toEqual([0]);
  });

  it('fills a gap below waiting transactions with an empty transfer to itself', async () => {
    const node = await scriptedNode({ says: [{ code: -32000, message: 'tx is banned' }] });
    const outcomes = await Promise.all([node.writer.send(CALL, FEES, written), node.writer.send(CALL, FEES, written)]);
    expect(outcomes).toMatchObject([{ kind: 'refused', why: 'other' }, { kind: 'sent' }]);
    expect(await node.arrival(3)).toMatchObject({ nonce: 0, to: node.writer.address });
    expect(node.accepted().sort()).toEqual([0, 1]);
  });

  it.each([
    'already known',
    'transaction already imported',
    'AlreadyKnown',
  ])('treats "%s" as acceptance', async (message) => {
    const node = await scriptedNode({ says: [{ code: -32000, message }] });
    expect(await node.writer.send(CALL, FEES, written)).toMatchObject({ kind: 'sent', signed: { nonce: 0 } });
  });

  it.each([
    { code: -32603, message: 'internal error' },
    { code: -32005, message: 'daily request count exceeded' },
    { code: -32000, message: 'request timed out' },
  ])('is in doubt after $code "$message", and sends the same bytes before anything new', async (trouble) => {
    const node = await scriptedNode({ says: [trouble] });
    const outcome = await node.writer.send(CALL, FEES, written);
    expect(outcome).toMatchObject({ kind: 'doubtful', signed: { nonce: 0 } });
    expect(await node.writer.send(CALL, FEES, written)).toMatchObject({ kind: 'sent', signed: { nonce: 1 } });
    expect(node.arrived[1]).toBe(node.arrived[0]);
    expect(node.accepted()).toEqual([0, 1]);
  });

  it('sends what it is in doubt of with higher fees, where gas has become dearer than it pays', async () => {
    const node = await scriptedNode({ says: [{ code: -32603, message: 'internal error' }] });
    await node.writer.send(CALL, FEES, written);
    const dear = { maxFeePerGas: 21n, maxPriorityFeePerGas: 1n, gasPrice: 11n };
    await node.writer.send(CALL, dear, written);
    const [first, raised, next] = node.arrived.map((raw) => parseTransaction(raw));
    expect(raised).toMatchObject({ nonce: 0, maxFeePerGas: 21n, maxPriorityFeePerGas: 2n });
    expect([raised?.to, raised?.data, raised?.gas]).toEqual([first?.to, first?.data, first?.gas]);
    expect(next).toMatchObject({ nonce: 1, maxFeePerGas: 21n });
    // It is not raised again for the same price.
    await node.writer.send(CALL, dear, written);
    expect(node.arrived[3]).toBe(node.arrived[1]);
  });

  it.each([
    { code: -32000, message: 'already known' },
    { code: -32603, message: 'internal error' },
  ])('raises again what may have arrived with raised fees, after "$message"', async (said) => {
    const node = await scriptedNode({ says: [{ code: -32603, message: 'internal error' }, said] });
    await node.writer.send(CALL, FEES, written);
    await node.writer.send(CALL, { maxFeePerGas: 21n, maxPriorityFeePerGas: 1n, gasPrice: 11n }, written);
    await node.writer.send(CALL, { maxFeePerGas: 99n, maxPriorityFeePerGas: 1n, gasPrice: 55n }, written);
    const offers = node.arrived.map((raw) => parseTransaction(raw)).filter(({ nonce = 0 }) => nonce === 0);
    expect(offers.map(({ maxPriorityFeePerGas }) => maxPriorityFeePerGas)).toEqual([1n, 2n, 3n]);
    expect(offers.map(({ maxFeePerGas }) => maxFeePerGas)).toEqual([2n, 21n, 99n]);
  });

  it('raises the fees of what another process of ours wrote down, for which no payment comes', async () => {
    const node = await scriptedNode({ says: [{ code: -32603, message: 'internal error' }] });
    const outcome = await node.writer.send(CALL, FEES, written);
    if (outcome.kind === 'refused') throw new Error(outcome.why);
    expect(await node.writer.adopt(outcome.signed)).toBe(true);
    node.writer.mend({ maxFeePerGas: 21n, maxPriorityFeePerGas: 1n, gasPrice: 11n });
    expect(await node.arrival(3)).toMatchObject({ nonce: 0, to: CALL.to.toLowerCase() });
    // By its name of then it is still the same.
    expect(await node.writer.adopt(outcome.signed)).toBe(true);
    expect(node.arrived.slice(2).map((raw) => parseTransaction(raw).maxFeePerGas)).toEqual([21n, 2n]);
  });

  it('offers no more than the limit for what it is in doubt of', async () => {
    const node = await scriptedNode({ says: [{ code: -32603, message: 'internal error' }] });
    await node.writer.send(CALL, { maxFeePerGas: 9n, maxPriorityFeePerGas: 1n, gasPrice: 5n }, written);
    await node.writer.send(CALL, { maxFeePerGas: 10n, maxPriorityFeePerGas: 1n, gasPrice: 12n }, written);
    expect(node.arrived[1]).toBe(node.arrived[0]);
  });

  it('signs anew with the next number when its own belongs to another transaction', async () => {
    const node = await scriptedNode({ says: [undefined, { code: -32000, message: 'nonce too low' }], pending: 3 });
    await node.writer.send(CALL, FEES, written);
    node.setPending(9);
    expect(await node.writer.send(CALL, FEES, written)).toMatchObject({ kind: 'sent', signed: { nonce: 9 } });
    expect(node.accepted()).toEqual([3, 9]);
  });

  it('does not sign anew when the transaction with its number is its own', async () => {
    const node = await scriptedNode({ says: [{ code: -32000, message: 'nonce too low' }], knowsRefused: true });
    expect(await node.writer.send(CALL, FEES, written)).toMatchObject({ kind: 'sent', signed: { nonce: 0 } });
    expect(node.arrived).toHaveLength(1);
  });

  it('knows the hash of what it signed', async () => {
    const node = await scriptedNode({});
    const outcome = await node.writer.send(CALL, FEES, written);
    if (outcome.kind === 'refused') throw new Error(outcome.why);
    expect(outcome.signed.hash).toBe(keccak256(outcome.signed.raw));
  });
});

interface Script {
  /** Answers to the first transactions, in order of arrival; later ones are accepted. */
  readonly says?: readonly Say[];
  readonly pending?: number;
  /** Whether the node has a transaction that it refused. */
  readonly knowsRefused?: boolean;
}

async function scriptedNode({ says = [], pending = 0, knowsRefused = false }: Script) {
  const arrived: Hex[] = [];
  const accepted: Hex[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let next = pending;
  const answer = ({ method, params }: { method: string; params: readonly Hex[] }): object => {
    if (method === 'eth_getTransactionCount') return { result: `0x${(next).toString(16)}` };
    if (method === 'eth_getTransactionByHash') return { result: knowsRefused ? { to: null, input: '0x' } : null };
    const raw = params[0] ?? '0x';
    const say = says[arrived.length];
    arrived.push(raw);
    for (const { count, resolve } of waiting) if (arrived.length >= count) resolve();
    if (say !== undefined) return { error: say };
    accepted.push(raw);
    return { result: keccak256(raw) };
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const asked = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { id: number; method: string; params: Hex[] };
    const calls = [asked].flat();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(calls.map((call) => ({ jsonrpc: '2.0', id: call.id, ...answer(call) }))));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const network = parseNetwork('eip155:84532');
  if (network === undefined) throw new Error('no network');
  const node = new ChainNode(network, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    writer: new TransactionWriter(node, privateKeyToAccount(generatePrivateKey())),
    arrived,
    /** Numbers of accepted transactions, in order of arrival. */
    accepted: () => accepted.map((raw) => parseTransaction(raw).nonce ?? 0),
    setPending: (count: number) => {
      next = count;
    },
    /** The `count`-th transaction that arrives, once it does. */
    arrival: async (count: number) => {
      if (arrived.length < count) await new Promise<void>((resolve) => waiting.push({ count, resolve }));
      const { nonce = 0, to } = parseTransaction(arrived[count - 1] ?? '0x');
      return { nonce, to };
    },
  };
}
