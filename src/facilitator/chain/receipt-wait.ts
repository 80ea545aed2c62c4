import { setTimeout as sleep } from 'node:timers/promises';
import type { Hex } from '../../evm/address.ts';
import type { Receipt } from './chain-facts.ts';
import type { ChainNode } from './chain-node.ts';

/**
 * First and longest pause between two reads, in milliseconds: short at first for fast chains, longer later so that slow
 * ones are not asked too often.
 */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;
/** Each pause is this many times the one before: in two seconds as few reads as by pauses that begin at 50 and double. */
const PAUSE_GROWTH = 3;

/** Reads between two repeated sends. */
const LOOKS_PER_RESEND = 5;

/** What is waited for, and how. */
export interface ReceiptWait {
  readonly transaction: Hex;
  /** Blocks including its own before a transaction counts; at least 1. */
  readonly confirmations: number;
  /** Ends the wait. */
  readonly deadline: AbortSignal;
  /** Sends the identical transaction again: nodes lose what they had accepted. */
  readonly resend: () => Promise<void>;
}

/**
 * Waits until a transaction is mined and confirmed. A node that fails in between is asked again, because the
 * transaction stays sent. `undefined` at the deadline.
 */
export async function waitForReceipt(node: ChainNode, wait: ReceiptWait): Promise<Receipt | undefined> {
  let pause = FIRST_PAUSE_MS;
  for (let look = 1; ; look += 1) {
    const receipt = await confirmedReceipt(node, wait).catch(() => undefined);
    if (receipt !== undefined) return receipt;
    if (look % LOOKS_PER_RESEND === 0) await wait.resend();
    try {
      await sleep(pause, undefined, { signal: wait.deadline });
    } catch {
      return undefined;
    }
    pause = Math.min(pause * PAUSE_GROWTH, LONGEST_PAUSE_MS);
  }
}

async function confirmedReceipt(node: ChainNode, wait: ReceiptWait): Promise<Receipt | undefined> {
  const receipt = await node.receipt(wait.transaction);
  if (receipt === undefined || wait.confirmations <= 1) return receipt;
  return (await node.blockNumber()) - receipt.block + 1n >= BigInt(wait.confirmations) ? receipt : undefined;
}
