import type { Instruction } from './transaction.ts';

/** Assertions that wallets add for their users' protection; a transaction fails where one of them does not hold. */
const LIGHTHOUSE_PROGRAM = 'L2TExMFKdjpN9kozasaurPirfHy9P8sbXoAN1qA3S95';

/**
 * The instructions of a transaction without the guards of wallets, which stand anywhere: Phantom puts some before the
 * transfer and some behind it.
 */
export function withoutGuards(instructions: readonly Instruction[]): readonly Instruction[] {
  return instructions.filter(({ program }) => program !== LIGHTHOUSE_PROGRAM);
}
