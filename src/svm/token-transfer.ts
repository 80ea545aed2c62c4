import { TOKEN_2022_PROGRAM, TOKEN_PROGRAM } from './token-account.ts';
import type { Instruction } from './transaction.ts';

const TRANSFER_CHECKED = 12;

/** What a `TransferChecked` of SPL Token or Token-2022 moves. */
export interface TokenTransfer {
  readonly program: string;
  /** The token accounts that it moves between. */
  readonly source: string;
  readonly destination: string;
  readonly mint: string;
  /** The account that the money comes from: it has to sign. */
  readonly authority: string;
  readonly amount: bigint;
  /** The decimals that the amount is meant in. */
  readonly decimals: number;
}

/** Reads `TransferChecked`: source, mint, destination, authority; `undefined` for every other instruction. */
export function readTransfer(
  instruction: Instruction | undefined,
  signers: readonly string[],
): TokenTransfer | undefined {
  if (instruction === undefined) return undefined;
  const { program, accounts, data } = instruction;
  if (program !== TOKEN_PROGRAM && program !== TOKEN_2022_PROGRAM) return undefined;
  const [source, mint, destination, authority] = accounts;
  // More than four accounts mean a multisignature, whose authority does not sign itself.
  if (accounts.length !== 4 || source === undefined || mint === undefined) return undefined;
  if (destination === undefined || authority === undefined) return undefined;
  if (data.length !== 10 || data[0] !== TRANSFER_CHECKED) return undefined;
  // The fee payer must not be the authority: only the buyer's money moves.
  if (authority === signers[0] || !signers.includes(authority)) return undefined;
  const [amount, decimals] = [data.readBigUInt64LE(1), data.readUInt8(9)];
  return { program, source, destination, mint, authority, amount, decimals };
}
