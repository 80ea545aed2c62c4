import { EIP3009_REFUSALS } from './eip3009/refusal-reasons.ts';
import { PERMIT2_REFUSALS } from './permit2/refusal-reasons.ts';
import type { RefusalReasons, TransferMethod } from './transfer-method.ts';
import { UPTO_REFUSALS } from './upto/refusal-reasons.ts';

/** A method, and what is known of it without the library that reads chains. */
interface Entry {
  readonly refusals: RefusalReasons;
  load(): Promise<TransferMethod>;
}

/** The one list of the ways in which money is moved on EVM chains. */
const ENTRIES: readonly Entry[] = [
  { refusals: EIP3009_REFUSALS, load: async () => (await import('./eip3009/eip3009.ts')).eip3009 },
  { refusals: PERMIT2_REFUSALS, load: async () => (await import('./permit2/permit2.ts')).permit2 },
  { refusals: UPTO_REFUSALS, load: async () => (await import('./upto/upto.ts')).upto },
];

/** What facilitators write about payments of each method. */
export const METHOD_REFUSALS: readonly RefusalReasons[] = ENTRIES.map(({ refusals }) => refusals);

/** Loads all methods, with what they need to read a chain. */
export async function loadTransferMethods(): Promise<readonly TransferMethod[]> {
  return await Promise.all(ENTRIES.map(({ load }) => load()));
}
