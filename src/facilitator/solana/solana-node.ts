import type { Dispatcher } from 'undici';
import type { Network } from '../../domain/network.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import { openDispatcher } from '../../outgoing/dispatcher.ts';
import { exchange } from '../remote/exchange.ts';
import { readWireJson } from '../remote/wire-json.ts';
import { type FoundTransaction, readFoundTransaction } from './found-transaction.ts';
import { nonsense, silent, troubleOf } from './node-fault.ts';
import { type ChainTime, readClock } from './sysvar-clock.ts';

/** How long one question may take, in milliseconds. The caller's signal may end it earlier. */
const RPC_TIMEOUT_MS = 8_000;

/** The largest answer: a page of {@link PAGE} signatures with long memos. */
const MAX_RESPONSE_BYTES = 2_097_152;

/** Signatures in one answer: the most that nodes give. */
export const PAGE = 1000;

/** Where the chain keeps its own time. */
const CLOCK = 'SysvarC1ock11111111111111111111111111111111';

/** A node refuses to show a version above this; one that we cannot read is none of ours. */
const ANY_VERSION = 255;

/** How much of the stake has voted for a block: `confirmed` two thirds, `finalized` for 31 blocks on top of it, too. */
export type Commitment = 'processed' | 'confirmed' | 'finalized';

/** A transaction of an account, as the node's list shows it. */
export interface Listed {
  readonly signature: string;
  /** Unix seconds; `undefined` where the node does not know. */
  readonly minedAt: number | undefined;
  /** The text of its memo instructions, in the node's own form; `undefined` where the node shows none. */
  readonly memo: string | undefined;
  readonly finalized: boolean;
}

/**
 * One JSON-RPC node of Solana, as far as proofs need it: it is only read from. Every method rejects with a
 * {@link GatewayError} (`facilitator_unreachable`, `facilitator_timeout`, `facilitator_invalid_answer`) when the node is
 * silent, slow, in trouble or talks nonsense.
 */
export class SolanaNode {
  readonly network: Network;
  readonly #url: URL;
  readonly #agent: Dispatcher;
  #rightChain: Promise<void> | undefined;

  /** @param proxy through which the node is asked, with its credentials */
  constructor(network: Network, url: string, proxy?: string) {
    this.network = network;
    this.#url = new URL(url);
    this.#agent = openDispatcher(proxy, { connections: 8 });
  }

  /** The CAIP-2 name of the chain that the node says it serves. */
  async servedChain(signal?: AbortSignal): Promise<string> {
    const hash = await this.#ask('getGenesisHash', [], signal);
    if (typeof hash !== 'string') throw nonsense('getGenesisHash');
    return `solana:${hash.slice(0, 32)}`;
  }

  /** Rejects with `facilitator_invalid_answer` when the node serves another chain than its network; remembered once it was right. */
  async ready(): Promise<void> {
    this.#rightChain ??= this.#checkChain().catch((fault: unknown) => {
      this.#rightChain = undefined;
      throw fault;
    });
    await this.#rightChain;
  }

  async #checkChain(): Promise<void> {
    const served = await this.servedChain();
    if (served !== this.network)
      throw nonsense(`getGenesisHash (it says ${served} where it should be ${this.network})`);
  }

  /** The newest finalized slot, and the time in it by the chain's own clock. */
  async time(signal?: AbortSignal): Promise<ChainTime> {
    const method = 'getAccountInfo';
    const answer = await this.#ask(method, [CLOCK, { encoding: 'base64', commitment: 'finalized' }], signal);
    const time = readClock(answer);
    if (time === undefined) throw nonsense(method);
    return time;
  }

  /** The program that an account belongs to; `undefined` where there is no such account. */
  async programOf(account: string, signal?: AbortSignal): Promise<string | undefined> {
    const method = 'getAccountInfo';
    const options = { encoding: 'base64', commitment: 'confirmed', dataSlice: { offset: 0, length: 0 } };
    const answer = await this.#ask(method, [account, options], signal);
    const value = isJsonObject(answer) ? answer['value'] : undefined;
    if (value === null) return undefined;
    const owner = isJsonObject(value) ? value['owner'] : undefined;
    if (typeof owner !== 'string') throw nonsense(method);
    return owner;
  }

  /** Whether a transaction with this blockhash can still be put into a block on top of the newest one of a commitment. */
  async isBlockhashValid(
    blockhash: string,
    commitment: Commitment,
    minContextSlot: number,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const method = 'isBlockhashValid';
    const answer = await this.#ask(method, [blockhash, { commitment, minContextSlot }], signal);
    const value = isJsonObject(answer) ? answer['value'] : undefined;
    if (typeof value !== 'boolean') throw nonsense(method);
    return value;
  }

  /** Confirmed transactions that an account is part of, the newest first, from before one of them. At most {@link PAGE}. */
  async listed(
    account: string,
    minContextSlot: number,
    before: string | undefined,
    signal?: AbortSignal,
  ): Promise<readonly Listed[]> {
    const method = 'getSignaturesForAddress';
    const options = {
      commitment: 'confirmed',
      limit: PAGE,
      minContextSlot,
      ...(before === undefined ? {} : { before }),
    };
    const answer = await this.#ask(method, [account, options], signal);
    if (!Array.isArray(answer)) throw nonsense(method);
    return answer.map((entry: Json) => {
      const listed = readListed(entry);
      if (listed === undefined) throw nonsense(method);
      return listed;
    });
  }

  /** Whether a transaction is finalized. */
  async isFinalized(signature: string, signal?: AbortSignal): Promise<boolean> {
    const method = 'getSignatureStatuses';
    const answer = await this.#ask(method, [[signature], { searchTransactionHistory: true }], signal);
    const value = isJsonObject(answer) ? answer['value'] : undefined;
    if (!Array.isArray(value)) throw nonsense(method);
    const [status]: readonly Json[] = value;
    return isJsonObject(status) && status['confirmationStatus'] === 'finalized';
  }

  /** A confirmed transaction; `undefined` while the node knows none of that name. */
  async transaction(signature: string, signal?: AbortSignal): Promise<FoundTransaction | undefined> {
    const method = 'getTransaction';
    const options = { encoding: 'base64', commitment: 'confirmed', maxSupportedTransactionVersion: ANY_VERSION };
    const answer = await this.#ask(method, [signature, options], signal);
    if (answer === null) return undefined;
    const found = readFoundTransaction(answer, signature);
    if (found === undefined) throw nonsense(method);
    return found;
  }

  async #ask(method: string, params: Json, signal: AbortSignal | undefined): Promise<Json> {
    const answer = await exchange(this.#agent, {
      method: 'POST',
      url: this.#url,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      timeoutMs: RPC_TIMEOUT_MS,
      signal,
      maxBytes: MAX_RESPONSE_BYTES,
    });
    if (answer.kind === 'broken') throw silent(answer.code, answer.cause);
    const json = readWireJson(answer.body);
    if (!isJsonObject(json) || json['jsonrpc'] !== '2.0') {
      const trouble = answer.status === 429 || answer.status === 403 || answer.status > 499;
      throw trouble ? silent('facilitator_unreachable', new Error(`HTTP status ${answer.status}`)) : nonsense(method);
    }
    if (json['error'] !== undefined && json['error'] !== null) throw troubleOf(json['error'], method);
    const { result } = json;
    if (json['id'] !== 1 || result === undefined) throw nonsense(method);
    return result;
  }
}

function readListed(entry: Json): Listed | undefined {
  if (!isJsonObject(entry)) return undefined;
  const { signature, blockTime, memo, confirmationStatus } = entry;
  if (typeof signature !== 'string') return undefined;
  return {
    signature,
    minedAt: typeof blockTime === 'number' ? blockTime : undefined,
    memo: typeof memo === 'string' ? memo : undefined,
    finalized: confirmationStatus === 'finalized',
  };
}
