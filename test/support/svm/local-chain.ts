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
import { associatedTokenAccount, TOKEN_PROGRAM } from '../../../src/svm/token-account.ts';

/** Devnet, whose name the local chain bears: the official client signs for no other. */
export const SVM_NETWORK = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1';
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
  mint(mint: string, owners: ReadonlyMap<string, bigint>): void;
  /** What an owner has of a mint. */
  balance(owner: string, mint?: string): bigint;
  /** Ends the blockhashes of all transactions that were signed until now. */
  expireBlockhash(): void;
  /** The next calls of a method get no answer. */
  silence(method: string, calls: number): void;
  close(): Promise<void>;
}

/** Starts a chain with USDC on it. */
export async function startSvmChain(): Promise<SvmChain> {
  const chain = new Chain();
  const server = createServer((request, response) => {
    chain.answer(request).then(
      (text) => {
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
    mint: (mint, owners) => chain.mint(mint, owners),
    balance: (owner, mint = SVM_USDC) => chain.balance(associatedTokenAccount(owner, mint, TOKEN_PROGRAM)),
    expireBlockhash: () => chain.expire(),
    silence: (method, calls) => void chain.silent.set(method, calls),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Landed {
  readonly err: string | null;
  readonly slot: number;
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

  mint(mint: string, owners: ReadonlyMap<string, bigint>): void {
    const data = Buffer.alloc(82);
    data[44] = 6;
    data[45] = 1;
    this.#set(mint, data);
    for (const [owner, amount] of owners) this.#hold(owner, mint, amount);
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
    const silent = this.silent.get(method) ?? 0;
    this.silent.set(method, Math.max(0, silent - 1));
    const answer = this.#call(method, params);
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
      case 'getTransaction':
        return { result: this.#transaction(String(first)) };
      default:
        return { error: { code: -32601, message: `no ${method} here` } };
    }
  }

  #account(key: string): object | null {
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
    const err = result instanceof FailedTransactionMetadata ? { failed: result.toString() } : null;
    return { err, logs: [], accounts: null, unitsConsumed: 1, returnData: null, innerInstructions: null };
  }

  #send(text: string): { result: string } | { error: { code: number; message: string } } {
    const [transaction, accountKeys, signature] = read(text);
    const before = this.#tokens(accountKeys);
    const result = this.#svm.sendTransaction(transaction);
    if (result instanceof FailedTransactionMetadata) {
      return { error: { code: -32002, message: `Transaction simulation failed: ${result.toString()}` } };
    }
    this.#slot += 1;
    this.#landed.set(signature, { err: null, slot: this.#slot, accountKeys, before, after: this.#tokens(accountKeys) });
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
      confirmationStatus: 'finalized',
    };
  }

  #transaction(signature: string): object | null {
    const landed = this.#landed.get(signature);
    if (landed === undefined) return null;
    const { err, slot, accountKeys, before, after } = landed;
    const meta = { err, fee: 10000, preTokenBalances: before, postTokenBalances: after };
    return {
      slot,
      blockTime: 1_700_000_000,
      meta,
      transaction: { signatures: [signature], message: { accountKeys } },
      version: 0,
    };
  }

  #tokens(keys: readonly string[]): readonly TokenBalance[] {
    return keys.flatMap((key, accountIndex) => {
      const account = this.#svm.getAccount(address(key));
      if (!account.exists || account.data.length !== 165) return [];
      const data = Buffer.from(account.data);
      const decoder = getAddressDecoder();
      const [mint, owner] = [decoder.decode(data.subarray(0, 32)), decoder.decode(data.subarray(32, 64))];
      const amount = data.readBigUInt64LE(64).toString();
      return [{ accountIndex, mint, owner, programId: TOKEN_PROGRAM, uiTokenAmount: { amount, decimals: 6 } }];
    });
  }

  #hold(owner: string, mint: string, amount: bigint): void {
    const data = Buffer.alloc(165);
    data.set(getAddressEncoder().encode(mint as Address), 0);
    data.set(getAddressEncoder().encode(owner as Address), 32);
    data.writeBigUInt64LE(amount, 64);
    data[108] = 1;
    this.#set(associatedTokenAccount(owner, mint, TOKEN_PROGRAM), data);
  }

  #set(key: string, data: Buffer): void {
    const account = {
      lamports: 10_000_000n,
      programAddress: TOKEN_PROGRAM,
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

/** Who signs on the chain. */
export type SvmSigner = KeyPairSigner;
