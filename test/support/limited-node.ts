import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A JSON-RPC call. */
export interface RpcCall {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** An error of JSON-RPC. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
}

/** A result of another node than the one that is asked. */
export interface RpcResult {
  readonly result: unknown;
}

/** Most calls in one exchange, and how a node says so. */
export interface BatchLimit {
  readonly most: number;
  readonly status: number;
  readonly error: RpcError;
}

/** A way to a chain's node that answers some calls with an error, as nodes with limits do. */
export interface LimitedNode {
  readonly url: string;
  /** Every call so far. */
  readonly calls: readonly RpcCall[];
  /** How many calls, and whole exchanges, were refused. */
  readonly refused: number;
  close(): Promise<void>;
}

/**
 * @param limit the answer to a call; `undefined` lets it through
 * @param batch default: no limit
 */
export async function openLimitedNode(
  nodeUrl: string,
  limit: (call: RpcCall) => RpcError | RpcResult | undefined,
  batch?: BatchLimit,
): Promise<LimitedNode> {
  const calls: RpcCall[] = [];
  let refused = 0;
  const answerOf = async (asked: Omit<RpcCall, 'params'> & Partial<RpcCall>): Promise<unknown> => {
    const call = { ...asked, params: asked.params ?? [] };
    calls.push(call);
    const answer = limit(call);
    if (answer !== undefined && 'result' in answer) return { jsonrpc: '2.0', id: call.id, ...answer };
    if (answer !== undefined) {
      refused += 1;
      return { jsonrpc: '2.0', id: call.id, error: answer };
    }
    const headers = { 'Content-Type': 'application/json' };
    return await (await fetch(nodeUrl, { method: 'POST', headers, body: JSON.stringify(call) })).json();
  };
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = (await json(request)) as RpcCall | readonly RpcCall[];
    if (batch !== undefined && Array.isArray(asked) && asked.length > batch.most) {
      refused += 1;
      const whole = { jsonrpc: '2.0', id: 0, error: batch.error };
      response.writeHead(batch.status, { 'Content-Type': 'application/json' }).end(JSON.stringify(whole));
      return;
    }
    const answer = Array.isArray(asked) ? await Promise.all(asked.map(answerOf)) : await answerOf(asked as RpcCall);
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
  };
  const server = createServer((request, response) => void pass(request, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    get refused() {
      return refused;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Blocks of which a node without an archive has the state: below what real ones keep, above what is asked of them. */
const KEPT_STATES = 80;

/**
 * Answers of a node without an archive: it has forgotten the states of blocks far below the newest one that it was asked
 * about.
 */
export function forgettingStates(error: RpcError = { code: -32000, message: 'missing trie node' }) {
  let newest = 0;
  return ({ method, params: [, block] }: RpcCall): RpcError | undefined => {
    if (method !== 'eth_call' || !(Number(block) >= 0)) return undefined;
    newest = Math.max(newest, Number(block));
    return newest - Number(block) > KEPT_STATES ? error : undefined;
  };
}
