import { hash } from 'node:crypto';
import { fromBase58, toBase58 } from './base58.ts';
import { isOnCurve, KEY_BYTES } from './public-key.ts';

/** SPL Token. */
export const TOKEN_PROGRAM = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA';
/** Token-2022. */
export const TOKEN_2022_PROGRAM = 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb';
const ASSOCIATED_TOKEN_PROGRAM = 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL';

const MARKER = Buffer.from('ProgramDerivedAddress');

/**
 * The account in which an owner holds a token by default: where a payment has to arrive.
 *
 * @throws Error for what is no address; the plan holds none
 * @see https://spl.solana.com/associated-token-account, `find_program_address`
 */
export function associatedTokenAccount(owner: string, mint: string, tokenProgram: string): string {
  const seeds = [owner, tokenProgram, mint].map(keyOf);
  const program = keyOf(ASSOCIATED_TOKEN_PROGRAM);
  for (let bump = 255; bump >= 0; bump -= 1) {
    const bytes = hash('sha256', Buffer.concat([...seeds, Buffer.of(bump), program, MARKER]), 'buffer');
    if (!isOnCurve(bytes)) return toBase58(bytes);
  }
  throw new Error('no bump leads off the curve');
}

function keyOf(address: string): Buffer {
  const key = fromBase58(address, KEY_BYTES);
  if (key === undefined) throw new Error(`${address} is no Solana address`);
  return key;
}
