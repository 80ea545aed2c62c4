import { decodeFunctionResult, encodeFunctionData } from 'viem';
import { EIP1271_MAGIC_WORD, eip1271Abi, permit2Abi, tokenAbi } from '../../evm/abi.ts';
import type { Address, Hex } from '../../evm/address.ts';
import { PERMIT2 } from '../../evm/addresses.ts';
import type { ChainNode } from './chain-node.ts';

/** What a view of a token may use; proxied tokens with long checks take a tenth of it. */
const VIEW_GAS = 200_000n;

/** Gas that an account may use to check a signature. The settlement takes the same gas again. */
const SIGNATURE_CHECK_GAS = 150_000n;

/** Bytes of one return word, in hex digits with `0x`. */
const WORD_LENGTH = 66;

/** Reads of contract state for one node. Each returns `undefined` when the contract gives no readable answer. */
export class ChainReads {
  readonly #node: ChainNode;
  readonly #caller: Address;

  constructor(node: ChainNode, caller: Address) {
    this.#node = node;
    this.#caller = caller;
  }

  /** Tokens of an account, in atomic units, now or after a block. */
  async balance(asset: Address, account: Address, signal?: AbortSignal, block?: bigint): Promise<bigint | undefined> {
    const data = encodeFunctionData({ abi: tokenAbi, functionName: 'balanceOf', args: [account] });
    return await this.#word(asset, data, signal, block);
  }

  /** What Permit2 may take from an account, in atomic units, now or after a block. */
  async permit2Allowance(
    asset: Address,
    account: Address,
    signal?: AbortSignal,
    block?: bigint,
  ): Promise<bigint | undefined> {
    const data = encodeFunctionData({ abi: tokenAbi, functionName: 'allowance', args: [account, PERMIT2] });
    return await this.#word(asset, data, signal, block);
  }

  /** Whether an EIP-3009 nonce of an account is gone, now or after a block. */
  async authorizationIsGone(
    asset: Address,
    { from, nonce }: { readonly from: Address; readonly nonce: Hex },
    signal?: AbortSignal,
    block?: bigint,
  ): Promise<boolean | undefined> {
    const data = encodeFunctionData({ abi: tokenAbi, functionName: 'authorizationState', args: [from, nonce] });
    const state = await this.#word(asset, data, signal, block);
    return state === undefined ? undefined : state !== 0n;
  }

  /** Whether a nonce that an account may sign for Permit2 is gone, now or after a block. */
  async permitIsGone(
    owner: Address,
    nonce: bigint,
    signal?: AbortSignal,
    block?: bigint,
  ): Promise<boolean | undefined> {
    const args = [owner, nonce >> 8n] as const;
    const word = await this.#word(PERMIT2, encodeFunctionData({ abi: permit2Abi, args }), signal, block);
    return word === undefined ? undefined : ((word >> (nonce & 0xffn)) & 1n) !== 0n;
  }

  /** Whether an account with code accepts a signature (EIP-1271). */
  async accountAccepts(account: Address, digest: Hex, signature: Hex, signal?: AbortSignal): Promise<boolean> {
    const data = encodeFunctionData({ abi: eip1271Abi, args: [digest, signature] });
    const result = await this.#node.call({ to: account, data, gas: SIGNATURE_CHECK_GAS }, this.#caller, signal);
    return result.kind === 'returned' && result.data.slice(0, WORD_LENGTH) === EIP1271_MAGIC_WORD;
  }

  /** A text that a token says of itself: a part of its EIP-712 domain. */
  async tokenText(asset: Address, name: 'name' | 'version', signal?: AbortSignal): Promise<string | undefined> {
    const data = encodeFunctionData({ abi: tokenAbi, functionName: name });
    const result = await this.#node.call({ to: asset, data, gas: VIEW_GAS }, this.#caller, signal);
    if (result.kind === 'reverted') return undefined;
    try {
      return decodeFunctionResult({ abi: tokenAbi, functionName: name, data: result.data });
    } catch {
      return undefined; // old tokens return bytes32
    }
  }

  async #word(to: Address, data: Hex, signal?: AbortSignal, block?: bigint): Promise<bigint | undefined> {
    const result = await this.#node.call({ to, data, gas: VIEW_GAS }, this.#caller, signal, block);
    return result.kind === 'returned' && result.data.length >= WORD_LENGTH
      ? BigInt(result.data.slice(0, WORD_LENGTH))
      : undefined;
  }
}
