import type { Instruction } from './transaction.ts';

export const MEMO_PROGRAM = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr';

/** Text that every node writes down in the same way. */
const PLAIN = /^[!-~]{8,512}$/;

/**
 * The memo that distinguishes a transaction from others of its payer, as most clients add one; `undefined` where there
 * is none.
 */
export function plainMemo(instructions: readonly Instruction[]): string | undefined {
  return instructions
    .filter(({ program }) => program === MEMO_PROGRAM)
    .map(({ data }) => data.toString('latin1'))
    .find((text) => PLAIN.test(text));
}
