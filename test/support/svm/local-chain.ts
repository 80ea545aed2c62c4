import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Address,
  getAddressDecoder,
  getAddressEncoder,
  getBase58Decoder,
  getTransactionDecoder,
  type KeyPairSigner,
} from '@solana/kit';
import { FailedTransactionMetadata, LiteSVM } from 'litesvm';
import { MEMO_PROGRAM } from '../../../src/svm/memo.ts';
import { associatedTokenAccount, TOKEN_PROGRAM } from '../../../src/svm/token-account.ts';
import { decodeTransaction } from '../../../src/svm/transaction.ts';

/** Devnet, whose name the local chain bears: the official client signs for no other. */
export const SVM_NETWORK = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1';
const CLOCK = 'SysvarC1ock11111111111111111111111111111111';

/** USDC there. */
export const SVM_USDC = '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU';

type Sent = Parameters<LiteSVM['sendTransaction']>[0];
type Account = Parameters<LiteSVM['setAccount']>[0];

/** A Solana validator's own execution of transactions, in this process, behind JSON-RPC. */
export interface SvmChain {
  readonly rpcUrl: string;
  /** Calls of each method so far. */
  readonly calls: ReadonlyMap<string, number>;
  /** Gives an account fees and USDC, in atomic units. */
  fund(owner: string, usdc: bigint): void;
  /** Makes a mint with a token account for each owner. */
  mint(mint: string, owners: ReadonlyMap<string, bigint>, program?: string): void;
  /** What an owner has of a mint. */
  balance(owner: string, mint?: string, program?: string): bigint;
  /** Ends the blockhashes of all transactions that were signed until now. */
  expireBlockhash(): void;
  /** The next calls of a method get no answer. */
  silence(method: string, calls: number): void;
  /** Lets the chain's own clock run ahead, or puts it back. */
  passTime(seconds: number): void;
  /** Blocks from now on are only confirmed, and none is finalized until it is called with `false`. */
  holdFinality(held: boolean): void;
  /** What a method answers from now on, made of what is true; `undefined`: the truth again. */
  lie(method: string, tell: ((result: never, params: readonly unknown[]) => unknown) | undefined): void;
  /** Calls of a method get no answer and no end, until it is called with `false`. */
  hang(method: string, hangs: boolean): void;
  close(): Promise<void>;
}

/** Starts a chain with USDC on it. */
export async function startSvmChain(): Promise<SvmChain> {
  const chain = new Chain();
  const server = createServer((request, response) => {
    chain.answer(request).then(
      (text) => {
        if (text === 'hang') return;
        if (text === undefined) response.socket?.destroy();
        else response.setHeader('content-type', 'application/json').end(text);
      },
      (fault: unknown) => {
        response.statusCode = 500;
        response.end(String(fault));
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  chain.mint(SVM_USDC, new Map());
  return {
    rpcUrl: `http://127.0.0.1:${port}`,
    calls: chain.calls,
    fund: (owner, usdc) => chain.fund(owner, usdc),
    mint: (mint, owners, program) => chain.mint(mint, owners, program),
    balance: (owner, mint = SVM_USDC, program = TOKEN_PROGRAM) =>
      chain.balance(associatedTokenAccount(owner, mint, program)),
    expireBlockhash: () => chain.expire(),
    silence: (method, calls) => void chain.silent.set(method, calls),
    passTime: (seconds) => {
      chain.ahead += seconds;
    },
    holdFinality: (held) => chain.holdFinality(held),
    lie: (method, tell) => {
      if (tell === undefined) chain.lies.delete(method);
      else chain.lies.set(method, tell);
    },
    hang: (method, hangs) => void (hangs ? chain.hanging.add(method) : chain.hanging.delete(method)),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Landed {
  readonly err: object | null;
  readonly slot: number;
  readonly wire: string;
  readonly minedAt: number;
  readonly memo: string | null;
  readonly accountKeys: readonly string[];
  readonly before: readonly TokenBalance[];
  readonly after: readonly TokenBalance[];
}

interface TokenBalance {
  readonly accountIndex: number;
  readonly mint: string;
  readonly owner: string;
  readonly programId: string;
  readonly uiTokenAmount: { readonly amount: string; readonly decimals: number };
}

class Chain {
  readonly calls = new Map<string, number>();
  readonly silent = new Map<string, number>();
  readonly lies = new Map<string, (result: never, params: readonly unknown[]) => unknown>();
  readonly hanging = new Set<string>();
  /** How much its clock is ahead of ours, in seconds. */
  ahead = 0;
  #finalized: number | undefined;
  readonly #svm = new LiteSVM();
  readonly #landed = new Map<string, Landed>();
  readonly #blockhashes = new Set<string>();
  #slot = 100;

  constructor() {
    this.#blockhashes.add(this.#svm.latestBlockhash());
  }

  fund(owner: string, usdc: bigint): void {
    this.#svm.airdrop(address(owner), 1_000_000_000n as never);
    this.#hold(owner, SVM_USDC, usdc);
  }

  mint(mint: string, owners: ReadonlyMap<string, bigint>, program = TOKEN_PROGRAM): void {
    const data = Buffer.alloc(82);
    data[44] = 6;
    data[45] = 1;
    this.#set(mint, data, program);
    for (const [owner, amount] of owners) this.#hold(owner, mint, amount, program);
  }

  holdFinality(held: boolean): void {
    this.#finalized = held ? this.#slot : undefined;
  }

  get #now(): number {
    return Math.floor(Date.now() / 1000) + this.ahead;
  }

  balance(account: string): bigint {
    const held = this.#svm.getAccount(address(account));
    return held.exists ? Buffer.from(held.data).readBigUInt64LE(64) : 0n;
  }

  expire(): void {
    this.#svm.expireBlockhash();
    this.#blockhashes.clear();
    this.#blockhashes.add(this.#svm.latestBlockhash());
    this.#slot += 200;
  }

  async answer(request: IncomingMessage): Promise<string | undefined> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { id, method, params = [] } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
    if (this.hanging.has(method)) return 'hang';
    const silent = this.silent.get(method) ?? 0;
    this.silent.set(method, Math.max(0, silent - 1));
    const truth = this.#call(method, params);
    const lie = this.lies.get(method);
    const answer =
      lie === undefined ? truth : { result: lie(('result' in truth ? truth.result : undefined) as never, params) };
    // Done, and not told: what a connection that breaks looks like.
    return silent > 0 ? undefined : JSON.stringify({ jsonrpc: '2.0', id, ...answer });
  }

  #call(
    method: string,
    [first]: readonly unknown[],
  ): { result: unknown } | { error: { code: number; message: string } } {
    const context = { slot: this.#slot };
    switch (method) {
      case 'getGenesisHash':
        return { result: 'EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG' };
      case 'getLatestBlockhash':
        return { result: { context, value: { blockhash: this.#svm.latestBlockhash(), lastValidBlockHeight: 1000 } } };
      case 'getBlockHeight':
      case 'getSlot':
        return { result: this.#slot };
      case 'isBlockhashValid':
        return { result: { context, value: this.#blockhashes.has(String(first)) } };
      case 'getAccountInfo':
        return { result: { context, value: this.#account(String(first)) } };
      case 'simulateTransaction':
        return { result: { context, value: this.#simulate(String(first)) } };
      case 'sendTransaction':
        return this.#send(String(first));
      case 'getSignatureStatuses':
        return { result: { context, value: (first as readonly string[]).map((one) => this.#status(one)) } };
      case 'getSignaturesForAddress':
        return { result: this.#listed(String(first)) };
      case 'getTransaction':
        return { result: this.#transaction(String(first)) };
      default:
        return { error: { code: -32601, message: `no ${method} here` } };
    }
  }

  #account(key: string): object | null {
    if (key === CLOCK) {
      const data = Buffer.alloc(40);
      data.writeBigInt64LE(BigInt(this.#now), 32);
      return { data: [data.toString('base64'), 'base64'], executable: false, lamports: 1, owner: key, space: 40 };
    }
    const account = this.#svm.getAccount(address(key));
    if (!account.exists) return null;
    const { data, executable, lamports, programAddress, space } = account;
    const text = Buffer.from(data).toString('base64');
    return {
      data: [text, 'base64'],
      executable,
      lamports: Number(lamports),
      owner: programAddress,
      rentEpoch: 0,
      space: Number(space),
    };
  }

  #simulate(text: string): object {
    const [transaction] = read(text);
    this.#svm.withSigverify(false);
    const result = this.#svm.simulateTransaction(transaction);
    this.#svm.withSigverify(true);
    const failed = result instanceof FailedTransactionMetadata ? { failed: result.toString() } : null;
    // As validators do, and this one does only when it sends.
    const err = this.#hasLanded(text) ? 'AlreadyProcessed' : failed;
    return { err, logs: [], accounts: null, unitsConsumed: 1, returnData: null, innerInstructions: null };
  }

  #hasLanded(text: string): boolean {
    const messageOf = (wire: string): string | undefined =>
      decodeTransaction(Buffer.from(wire, 'base64'))?.message.toString('hex');
    const message = messageOf(text);
    return [...this.#landed.values()].some(({ wire }) => messageOf(wire) === message);
  }

  #send(text: string): { result: string } | { error: { code: number; message: string } } {
    const [transaction, accountKeys, signature] = read(text);
    const before = this.#tokens(accountKeys);
    const result = this.#svm.sendTransaction(transaction);
    let err: object | null = null;
    if (result instanceof FailedTransactionMetadata) {
      err = { InstructionError: [2, { Custom: 1 }] };
      // What fails in an instruction is in a block, and costs its fee; everything else is not.
      if (!isInstructionError(result.err())) {
        return { error: { code: -32002, message: `Transaction simulation failed: ${result.toString()}` } };
      }
    }
    this.#slot += 1;
    const [slot, minedAt, after] = [this.#slot, this.#now, this.#tokens(accountKeys)];
    const memo = memoOf(text);
    this.#landed.set(signature, { err, slot, accountKeys, before, after, wire: text, minedAt, memo });
    return { result: signature };
  }

  #status(signature: string): object | null {
    const landed = this.#landed.get(signature);
    if (landed === undefined) return null;
    return {
      slot: landed.slot,
      confirmations: null,
      err: landed.err,
      status: { Ok: null },
      confirmationStatus: this.#commitmentOf(landed),
    };
  }

  #commitmentOf({ slot }: Landed): 'confirmed' | 'finalized' {
    return this.#finalized !== undefined && slot > this.#finalized ? 'confirmed' : 'finalized';
  }

  #listed(account: string): readonly object[] {
    return [...this.#landed]
      .filter(([, { accountKeys }]) => accountKeys.includes(account))
      .map(([signature, landed]) => ({
        signature,
        slot: landed.slot,
        err: landed.err,
        memo: landed.memo,
        blockTime: landed.minedAt,
        confirmationStatus: this.#commitmentOf(landed),
      }))
      .reverse();
  }

  #transaction(signature: string): object | null {
    const landed = this.#landed.get(signature);
    if (landed === undefined) return null;
    const { err, slot, before, after, wire, minedAt } = landed;
    const meta = { err, fee: 10000, preTokenBalances: before, postTokenBalances: after };
    return { slot, blockTime: minedAt, meta, transaction: [wire, 'base64'], version: 0 };
  }

  #tokens(keys: readonly string[]): readonly TokenBalance[] {
    return keys.flatMap((key, accountIndex) => {
      const account = this.#svm.getAccount(address(key));
      if (!account.exists || account.data.length !== 165) return [];
      const data = Buffer.from(account.data);
      const decoder = getAddressDecoder();
      const [mint, owner] = [decoder.decode(data.subarray(0, 32)), decoder.decode(data.subarray(32, 64))];
      const amount = data.readBigUInt64LE(64).toString();
      const programId = String(account.programAddress);
      return [{ accountIndex, mint, owner, programId, uiTokenAmount: { amount, decimals: 6 } }];
    });
  }

  #hold(owner: string, mint: string, amount: bigint, program = TOKEN_PROGRAM): void {
    const data = Buffer.alloc(165);
    data.set(getAddressEncoder().encode(mint as Address), 0);
    data.set(getAddressEncoder().encode(owner as Address), 32);
    data.writeBigUInt64LE(amount, 64);
    data[108] = 1;
    this.#set(associatedTokenAccount(owner, mint, program), data, program);
  }

  #set(key: string, data: Buffer, program = TOKEN_PROGRAM): void {
    const account = {
      lamports: 10_000_000n,
      programAddress: program,
      executable: false,
      space: BigInt(data.length),
    };
    this.#svm.setAccount({ ...account, address: address(key), data: new Uint8Array(data) } as unknown as Account);
  }
}

function address(text: string): Account['address'] {
  return text as Account['address'];
}

/** A transaction in the form that the chain takes, its accounts, and what it is called by. */
function read(text: string): readonly [Sent, readonly string[], string] {
  const bytes = Buffer.from(text, 'base64');
  const transaction = getTransactionDecoder().decode(bytes);
  const [first] = Object.values(transaction.signatures);
  const message = Buffer.from(transaction.messageBytes);
  const at = (message[0] ?? 0) & 0x80 ? 4 : 3;
  const keys = Array.from({ length: message[at] ?? 0 }, (_, index) => {
    return getAddressDecoder().decode(message.subarray(at + 1 + 32 * index, at + 33 + 32 * index));
  });
  return [transaction as unknown as Sent, keys, first ? getBase58Decoder().decode(first) : ''];
}

/** What a node writes of the memos of a transaction. */
function memoOf(wire: string): string | null {
  const memos = decodeTransaction(Buffer.from(wire, 'base64'))?.instructions.flatMap(({ program, data }) =>
    program === MEMO_PROGRAM ? [`[${data.length}] ${data.toString('utf8')}`] : [],
  );
  return memos === undefined || memos.length === 0 ? null : memos.join('; ');
}

function isInstructionError(error: ReturnType<FailedTransactionMetadata['err']>): boolean {
  return typeof error === 'object' && error.constructor.name === 'TransactionErrorInstructionError';
}

/** Who signs on the chain. */
export type SvmSigner = KeyPairSigner;
