import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseNetwork } from '../../../../src/domain/network.ts';
import { PERMIT2 } from '../../../../src/evm/addresses.ts';
import { ChainNode } from '../../../../src/facilitator/chain/chain-node.ts';

const CALL = { to: PERMIT2, data: '0x', gas: 100_000n } as const;
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

describe('an answer of a chain node', () => {
  it.each([
    ['that is a web page', 200, '<html>hello</html>', 'facilitator_invalid_answer'],
    ['without a result', 200, '[{}]', 'facilitator_invalid_answer'],
    ['with a null instead of an answer', 200, '[null]', 'facilitator_invalid_answer'],
    ['with a number instead of hex', 200, '[{"id":0,"result":1}]', 'facilitator_invalid_answer'],
    ['that refuses for no reason', 200, refusal(-32000, 'header not found'), 'facilitator_invalid_answer'],
    ['that says the node is in trouble', 200, refusal(-32603, 'internal error'), 'facilitator_unreachable'],
    ['that says there were too many', 429, '{}', 'facilitator_unreachable'],
    ['that says the server failed', 502, 'bad gateway', 'facilitator_unreachable'],
  ])('%s becomes a fault of the facilitator', async (_, status, body, code) => {
    const node = await nodeSaying(status, body);
    await expect(node.call(CALL, PERMIT2)).rejects.toMatchObject({ code });
    await expect(node.estimate(CALL, PERMIT2)).rejects.toMatchObject({ code });
  });

  it.each([
    [3, 'execution reverted: FiatTokenV2: invalid signature'],
    [-32000, 'execution reverted'],
    [-32000, 'out of gas'],
    [-32603, 'EVM error: OutOfGas'],
    [-32000, 'gas required exceeds allowance (150000)'],
  ])('of %d "%s" says that the call fails on chain', async (code, message) => {
    const node = await nodeSaying(200, refusal(code, message));
    expect(await node.call(CALL, PERMIT2)).toEqual({ kind: 'reverted' });
    expect(await node.estimate(CALL, PERMIT2)).toEqual({ kind: 'reverted' });
  });

  it('that estimates more gas than the call may use says that the call fails', async () => {
    const node = await nodeSaying(200, '[{"id":0,"result":"0x186a1"}]');
    expect(await node.estimate(CALL, PERMIT2)).toEqual({ kind: 'reverted' });
  });

  it('is not waited for once the caller has given up', async () => {
    const node = await nodeSaying(200, undefined);
    const patience = new AbortController();
    const answer = node.call(CALL, PERMIT2, patience.signal);
    patience.abort();
    await expect(answer).rejects.toMatchObject({ code: 'facilitator_timeout' });
  });

  it('that redirects is not followed', async () => {
    const node = await nodeSaying(307, '', { location: 'http://127.0.0.1:1/' });
    await expect(node.call(CALL, PERMIT2)).rejects.toMatchObject({ code: 'facilitator_unreachable' });
  });
});

function refusal(code: number, message: string): string {
  return JSON.stringify([{ id: 0, error: { code, message } }]);
}

/** A node with one answer to everything; `undefined` is silence. */
async function nodeSaying(status: number, body: string | undefined, headers: Record<string, string> = {}) {
  const server = createServer((_, response) => {
    if (body !== undefined) response.writeHead(status, headers).end(body);
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
