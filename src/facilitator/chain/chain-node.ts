import { type Client, createClient, custom, encodeEventTopics, type LogTopic, toEventHash } from 'viem';
import { evmChainId, type Network } from '../../domain/network.ts';
import { authorizationUsedEvent, transferEvent } from '../../evm/abi.ts';
import type { Address, Hex } from '../../evm/address.ts';
import { openConnections, openTunnels } from '../../outgoing/dispatcher.ts';
import type { TransferFacts } from '../transfer-method/transfer-facts.ts';
import type {
  Block,
  BlockRange,
  Call,
  CallResult,
  Candidate,
  EstimateResult,
  FeeState,
  LogSearch,
  Receipt,
} from './chain-facts.ts';
import { type FoundLog, field, readBytes, readFoundLogs, readLogs, readQuantity, readSeconds } from './rpc-answer.ts';
import { RpcCalls, type RpcQuestion } from './rpc-calls.ts';
import { isRevert, nodeFault, nonsense, RangeRefusal, readRefusal, refusalOfRange } from './rpc-fault.ts';
import { SearchMemory } from './search-memory.ts';
import { word } from './transfer-event.ts';

/** How long one HTTP exchange with a node may take, in milliseconds. The caller's signal may end it earlier. */
const RPC_TIMEOUT_MS = 8_000;

/** `AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)` of EIP-3009. */
const AUTHORIZATION_CANCELED = toEventHash('AuthorizationCanceled(address,bytes32)');

const BLOCK_METHOD = 'eth_getBlockByNumber';

/** Far above any answer that is asked for here. */
const MAX_RESPONSE_BYTES = 4_194_304;

/**
 * One JSON-RPC node of one EVM chain, as far as verifying and settling need it. Calls made in the same turn travel in
 * one HTTP exchange, where the node takes that. Every method rejects with a {@link GatewayError} (`facilitator_unreachable`,
 * `facilitator_timeout`, `facilitator_invalid_answer`) when the node is silent, slow or talks nonsense; `broadcast`
 * alone lets the client's error through, because its caller must tell refusals apart.
 */
export class ChainNode {
  readonly network: Network;
  readonly chainId: number;
  /** What searches for events have learnt of the node. */
  readonly searches = new SearchMemory();
  readonly #client: Client;
  #rightChain: Promise<void> | undefined;

  /** @param proxy through which the node is asked, with its credentials */
  constructor(network: Network, url: string, proxy?: string) {
    const chainId = evmChainId(network);
    if (chainId === undefined) throw new Error(`chain nodes serve EVM networks, not ${network}`);
    this.network = network;
    this.chainId = chainId;
    const calls = new RpcCalls(url, {
      timeout: RPC_TIMEOUT_MS,
      maxResponseBodySize: MAX_RESPONSE_BYTES,
      // A redirect could send a signed transaction to a host that is not configured.
      fetchOptions: {
        redirect: 'error',
        dispatcher: proxy === undefined ? openConnections() : openTunnels(proxy),
      },
    });
    this.#client = createClient({
      transport: custom(
        {
          request: (question: RpcQuestion, options?: { readonly signal?: AbortSignal }) =>
            calls.request(question, options?.signal),
        },
        { retryCount: 0 },
      ),
    });
  }

  /** Rejects with `facilitator_invalid_answer` when the node serves another chain than the configuration says. */
  async checkChain(signal?: AbortSignal): Promise<void> {
    const id = await this.servedChain(signal);
    if (id !== BigInt(this.chainId)) throw nonsense(`eth_chainId (it says ${id} where ${this.chainId} is configured)`);
  }

  /** The chain that the node says it serves. */
  async servedChain(signal?: AbortSignal): Promise<bigint> {
    const answer = await answered(this.#client.request({ method: 'eth_chainId' }, options(signal)), signal);
    return readQuantity(answer, 'eth_chainId');
  }

  /** {@link checkChain}; a right answer is remembered. */
  async ready(): Promise<void> {
    this.#rightChain ??= this.checkChain().catch((fault: unknown) => {
      this.#rightChain = undefined;
      throw fault;
    });
    await this.#rightChain;
  }

  /** Whether there is a contract (or an EIP-7702 delegation) at an address. */
  async hasCode(address: Address, signal?: AbortSignal): Promise<boolean> {
    const params: [Address, 'latest'] = [address, 'latest'];
    const answer = await answered(this.#client.request({ method: 'eth_getCode', params }, options(signal)), signal);
    return readBytes(answer, 'eth_getCode') !== '0x';
  }

  /** Runs a call without sending it: on the newest state, or on the state after `block`. */
  async call(call: Call, from: Address, signal?: AbortSignal, block?: bigint): Promise<CallResult> {
    const request = this.#client.request(
      { method: 'eth_call', params: [asRpc(call, from), block === undefined ? 'latest' : quantity(block)] },
      options(signal),
    );
    const answer = await unlessReverted(request, signal);
    return answer === REVERTED ? { kind: 'reverted' } : { kind: 'returned', data: readBytes(answer, 'eth_call') };
  }

  /** Measures the gas of a call; one that needs more than `call.gas` counts as reverted. */
  async estimate(call: Call, from: Address): Promise<EstimateResult> {
    const request = this.#client.request({ method: 'eth_estimateGas', params: [asRpc(call, from)] }, options());
    const answer = await unlessReverted(request);
    if (answer === REVERTED) return { kind: 'reverted' };
    const gas = readQuantity(answer, 'eth_estimateGas');
    return gas > call.gas ? { kind: 'reverted' } : { kind: 'estimated', gas };
  }

  /** Reads what the next block will ask for. */
  async feeState(): Promise<FeeState> {
    const [block, gasPrice] = await answered(
      Promise.all([
        this.#client.request({ method: 'eth_getBlockByNumber', params: ['latest', false] }, options()),
        this.#client.request({ method: 'eth_gasPrice' }, options()),
      ]),
    );
    const baseFee = readQuantity(field(block, 'baseFeePerGas'), 'eth_getBlockByNumber');
    return { baseFee, gasPrice: readQuantity(gasPrice, 'eth_gasPrice') };
  }

  /** Native coin of an account, in wei. */
  async coins(account: Address): Promise<bigint> {
    const request = this.#client.request({ method: 'eth_getBalance', params: [account, 'latest'] }, options());
    return readQuantity(await answered(request), 'eth_getBalance');
  }

  /** Number of transactions of an account: mined ones only (up to a block), or waiting ones too. */
  async transactionCount(
    account: Address,
    block: 'latest' | 'pending' | bigint,
    signal?: AbortSignal,
  ): Promise<number> {
    const params: [Address, 'latest' | 'pending' | Hex] = [
      account,
      typeof block === 'bigint' ? quantity(block) : block,
    ];
    const request = this.#client.request({ method: 'eth_getTransactionCount', params }, options(signal));
    return Number(readQuantity(await answered(request, signal), 'eth_getTransactionCount'));
  }

  /** Number of the newest block. */
  async blockNumber(signal?: AbortSignal): Promise<bigint> {
    const request = this.#client.request({ method: 'eth_blockNumber' }, options(signal));
    return readQuantity(await answered(request, signal), 'eth_blockNumber');
  }

  /** A block by its number, or the newest one. */
  async block(number: bigint | 'latest', signal?: AbortSignal): Promise<Block> {
    return readBlock(await this.#blockAt(number, signal), number);
  }

  /** The hash of a block by its number, or of the newest one; `undefined` where the node has no such block. */
  async identify(
    number: bigint | 'latest',
    signal?: AbortSignal,
  ): Promise<(Block & { readonly hash: Hex }) | undefined> {
    const found = await this.#blockAt(number, signal);
    if (found === null) return undefined;
    return { ...readBlock(found, number), hash: readBytes(field(found, 'hash'), BLOCK_METHOD, 32) };
  }

  /** A block as the node tells it, without its transactions; `null` where it has none. */
  #blockAt(number: bigint | 'latest', signal: AbortSignal | undefined): Promise<unknown> {
    const params: ['latest' | Hex, false] = [number === 'latest' ? number : quantity(number), false];
    return answered(this.#client.request({ method: BLOCK_METHOD, params }, options(signal)), signal);
  }

  /** Hands a signed transaction to the node. Rejects with the client's own error. */
  async broadcast(raw: Hex): Promise<void> {
    await this.#client.request({ method: 'eth_sendRawTransaction', params: [raw] }, options());
  }

  /** What a transaction did, once it is mined. */
  async receipt(transaction: Hex, signal?: AbortSignal): Promise<Receipt | undefined> {
    const method = 'eth_getTransactionReceipt';
    const found = await answered(this.#client.request({ method, params: [transaction] }, options(signal)), signal);
    if (found === null) return undefined;
    if (readBytes(field(found, 'transactionHash'), method, 32) !== transaction) throw nonsense(method);
    return {
      transaction,
      block: readQuantity(field(found, 'blockNumber'), method),
      succeeded: field(found, 'status') === '0x1',
      logs: readLogs(field(found, 'logs'), method),
    };
  }

  /** What a transaction calls, mined or waiting; `undefined` when the node does not know it. */
  async transaction(
    hash: Hex,
    signal?: AbortSignal,
  ): Promise<{ readonly to: unknown; readonly input: Hex } | undefined> {
    const method = 'eth_getTransactionByHash';
    const found = await answered(this.#client.request({ method, params: [hash] }, options(signal)), signal);
    if (found === null) return undefined;
    return { to: field(found, 'to'), input: readBytes(field(found, 'input'), method) };
  }

  /** Transactions in which `asset` says that `authorizer` used or cancelled an EIP-3009 nonce: at most one, if it is honest. */
  async nonceEnds(
    asset: Address,
    authorizer: Address,
    nonce: Hex,
    range: BlockRange,
    signal?: AbortSignal,
  ): Promise<LogSearch> {
    const [used, ...which] = encodeEventTopics({ abi: [authorizationUsedEvent], args: { authorizer, nonce } });
    const topics: LogTopic[] = [[used, AUTHORIZATION_CANCELED], ...which];
    return await this.#transactionsWithLogs({ address: asset, topics, ...range }, signal);
  }

  /** Transactions in which `asset` says that it moved exactly an amount between two accounts. */
  async transfers(
    { asset, payer, payTo, amount }: Pick<TransferFacts, 'asset' | 'payer' | 'payTo' | 'amount'>,
    range: BlockRange,
    signal?: AbortSignal,
  ): Promise<LogSearch> {
    const topics = encodeEventTopics({ abi: [transferEvent], args: { from: payer, to: payTo } });
    return await this.#transactionsWithLogs({ address: asset, topics, data: word(amount), ...range }, signal);
  }

  /**
   * `behind` when the answering node has not seen the end of the range yet. One address often has several nodes behind
   * it, and a node that lags gives an empty list instead of an error.
   */
  async #transactionsWithLogs({ from, to, data, ...of }: LogFilter, signal?: AbortSignal): Promise<LogSearch> {
    const filter = { ...of, fromBlock: quantity(from), toBlock: quantity(to) };
    const asked = this.#client.request({ method: 'eth_getLogs', params: [filter] }, options(signal));
    // A call in the same tick travels in the same exchange, and so to the same node.
    const head = this.blockNumber(signal).catch((fault: unknown) => fault);
    try {
      const logs = readFoundLogs(await asked, 'eth_getLogs').filter((log) => data === undefined || log.data === data);
      const newest = await head;
      if (typeof newest !== 'bigint') throw newest;
      return newest < to ? { kind: 'behind' } : { kind: 'found', candidates: candidatesOf(logs) };
    } catch (thrown) {
      const words = refusalOfRange(thrown);
      if (words === undefined) throw nodeFault(thrown, signal);
      return { kind: 'refused', fault: nodeFault(new RangeRefusal(words), signal) };
    }
  }
}

/** What `eth_getLogs` is asked for. */
interface LogFilter extends BlockRange {
  readonly address: Address;
  readonly topics: LogTopic[];
  /** The data that counts; nodes cannot filter by it. */
  readonly data?: Hex;
}

/** Each transaction once, the oldest first. */
function candidatesOf(logs: readonly FoundLog[]): readonly Candidate[] {
  const blocks = new Map(logs.map(({ transaction, block }) => [transaction, block]));
  const candidates = [...blocks].map(([transaction, block]) => ({ transaction, block }));
  return candidates.sort((a, b) => Number(a.block - b.block));
}

function readBlock(found: unknown, number: bigint | 'latest'): Block {
  const block = {
    number: readQuantity(field(found, 'number'), BLOCK_METHOD),
    timestamp: readSeconds(field(found, 'timestamp'), BLOCK_METHOD),
  };
  if (number !== 'latest' && block.number !== number) throw nonsense(BLOCK_METHOD);
  return block;
}

const REVERTED = Symbol('reverted');

async function answered<T>(answer: Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    throw nodeFault(thrown, signal);
  }
}

async function unlessReverted<T>(answer: Promise<T>, signal?: AbortSignal): Promise<T | typeof REVERTED> {
  try {
    return await answer;
  } catch (thrown) {
    const refusal = readRefusal(thrown);
    if (refusal !== undefined && isRevert(refusal)) return REVERTED;
    throw nodeFault(thrown, signal);
  }
}

function options(signal?: AbortSignal): { retryCount: number; signal?: AbortSignal } {
  return signal === undefined ? { retryCount: 0 } : { retryCount: 0, signal };
}

function asRpc(call: Call, from: Address): { from: Address; to: Address; data: Hex; gas: Hex } {
  return { from, to: call.to, data: call.data, gas: quantity(call.gas) };
}

function quantity(value: bigint): Hex {
  return `0x${value.toString(16)}`;
}
