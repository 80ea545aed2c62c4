import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseNetwork } from '../../../../src/domain/network.ts';
import { parseAddress } from '../../../../src/evm/address.ts';
import { blockBefore, RANGE_BLOCKS } from '../../../../src/facilitator/chain/block-search.ts';
import { ChainNode } from '../../../../src/facilitator/chain/chain-node.ts';
import { units } from '../../../support/upto-payments.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

describe('a block from before a time', () => {
  it.each([
    [100_000n, 2, 10, RANGE_BLOCKS],
    [100_000n, 2, 86_400, RANGE_BLOCKS],
    [100_000n, 12, 3_600, RANGE_BLOCKS],
    [100_000n, 2, 86_400, 10n],
    [100_000n, 2, 3_600, 1n],
    [50n, 2, 60, RANGE_BLOCKS],
    [50n, 2, 500, RANGE_BLOCKS],
    [3n, 2, 2, RANGE_BLOCKS],
  ])('is old enough and hardly older: head %i, a block each %i s, %i s ago, %i at once', async (head, seconds, ago, span) => {
    const node = await chainOf(head, seconds);
    const newest = await node.block('latest');
    const time = newest.timestamp - ago;
    const found = await blockBefore(node, newest, time, span);
    const timeOf = (block: bigint): number => Number(block) * seconds;
    expect(found === 0n || timeOf(found) < time).toBe(true);
    // No block after the range that begins there is old enough.
    const after = found + span;
    expect(after > head || timeOf(after) >= time).toBe(true);
  });
});

describe('a node that has not seen the end of a range', () => {
  it('does not report the range as empty', async () => {
    const account = parseAddress(`0x${'11'.repeat(20)}`);
    if (account === undefined) throw new Error('no address');
    const node = await chainOf(10n, 2);
    const nonce = `0x${'22'.repeat(32)}` as const;
    const behind = { kind: 'behind' };
    const found = { kind: 'found', candidates: [] };
    expect(await node.nonceEnds(account, account, nonce, { from: 0n, to: 10n })).toEqual(found);
    expect(await node.nonceEnds(account, account, nonce, { from: 0n, to: 11n })).toEqual(behind);
    const transfer = { asset: account, payer: account, payTo: account, amount: units(1) };
    expect(await node.transfers(transfer, { from: 0n, to: 11n })).toEqual(behind);
  });
});

/** A chain without events that makes a block each so many seconds. */
async function chainOf(head: bigint, seconds: number): Promise<ChainNode> {
  const hex = (value: bigint): string => `0x${value.toString(16)}`;
  const answers: Record<string, (params: unknown[]) => unknown> = {
    eth_blockNumber: () => hex(head),
    eth_getLogs: () => [],
    eth_getBlockByNumber: ([tag]) => {
      const number = tag === 'latest' ? head : BigInt(String(tag));
      return { number: hex(number), timestamp: hex(number * BigInt(seconds)) };
    },
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const asked: { id: number; method: string; params: unknown[] } = JSON.parse(Buffer.concat(chunks).toString());
    const calls = [asked].flat();
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(calls.map(({ id, method, params }) => ({ id, result: answers[method]?.(params ?? []) }))),
    );
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
  return new ChainNode(network, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}
