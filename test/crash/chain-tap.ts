import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { decodeFunctionData, type Hex, keccak256, parseTransaction } from 'viem';
import { multicall3Abi } from '../../src/evm/abi.ts';
import { MULTICALL3 } from '../../src/evm/addresses.ts';
import type { Timeline } from './timeline.ts';

/** A transaction that the gateway sent to the chain's node. */
export interface Broadcast {
  readonly tick: number;
  readonly hash: Hex;
  /** The account's number for it. */
  readonly number: number;
  /** Nonces of the authorizations that it settles, `0x` and 64 hex digits: several share a transaction. */
  readonly authorizations: readonly string[];
  /** Whether the node got it. */
  arrived: boolean;
}

/** What may happen while a transaction passes the tap. */
export interface BroadcastWatch {
  /** Decides whether the node gets it. */
  passes(broadcast: Broadcast): boolean;
  /** Called when the node has it and the gateway does not know that yet. */
  arrived(broadcast: Broadcast): void;
}

/** A proxy between the gateway and the chain's node that sees every transaction. */
export interface ChainTap {
  readonly url: string;
  readonly broadcasts: readonly Broadcast[];
  watch: BroadcastWatch;
  close(): Promise<void>;
}

/** Lets everything pass. */
export const UNWATCHED: BroadcastWatch = { passes: () => true, arrived: () => {} };

/** Selector and five words come before the nonce in `transferWithAuthorization`. */
const NONCE_AT = 2 + 8 + 5 * 64;

/** Opens a tap in front of a node. */
export async function openChainTap(nodeUrl: string, timeline: Timeline): Promise<ChainTap> {
  const broadcasts: Broadcast[] = [];
  const tap = { watch: UNWATCHED };
  const pass = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const body = await text(req);
    const sent = broadcastsIn(body, timeline);
    broadcasts.push(...sent);
    if (!sent.every((broadcast) => tap.watch.passes(broadcast))) return void res.destroy();
    for (const broadcast of sent) broadcast.arrived = true;
    const answer = await fetch(nodeUrl, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    const answerText = await answer.text();
    for (const broadcast of sent) tap.watch.arrived(broadcast);
    res.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(answerText);
  };
  // A killed gateway breaks off in the middle of its requests.
  const server = createServer((req, res) => void pass(req, res).catch(() => res.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the tap has no port');
  return Object.assign(tap, {
    url: `http://127.0.0.1:${address.port}`,
    broadcasts,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

interface RpcCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

function broadcastsIn(body: string, timeline: Timeline): Broadcast[] {
  if (!body.includes('eth_sendRawTransaction')) return [];
  const parsed: RpcCall | readonly RpcCall[] = JSON.parse(body);
  return [parsed].flat().flatMap(({ method, params: [raw] }) => {
    return method === 'eth_sendRawTransaction' && isHex(raw) ? [broadcastOf(raw, timeline)] : [];
  });
}

function broadcastOf(raw: Hex, timeline: Timeline): Broadcast {
  const { data = '0x', nonce = 0, to } = parseTransaction(raw);
  const transfers = to?.toLowerCase() === MULTICALL3.toLowerCase() ? callsIn(data) : [data];
  const authorizations = transfers.flatMap((call) => {
    const word = call.slice(NONCE_AT, NONCE_AT + 64);
    return word.length === 64 ? [`0x${word}`] : [];
  });
  return { tick: timeline.tick(), hash: keccak256(raw), number: nonce, authorizations, arrived: false };
}

function callsIn(data: Hex): readonly Hex[] {
  const [calls] = decodeFunctionData({ abi: multicall3Abi, data }).args;
  return calls.map(({ callData }) => callData);
}

function isHex(value: unknown): value is Hex {
  return typeof value === 'string' && value.startsWith('0x');
}
